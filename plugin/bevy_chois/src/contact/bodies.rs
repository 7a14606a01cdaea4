//! Objects as physics sees them, each decomposed only once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bevy::ecs::resource::Resource;
use chois::contact::PhysicalObject;
use chois::geometry::ObjectGeometry;

use super::ObjectPhysics;

/// With more objects than this, the one that was not asked for longest is forgotten.
const MANY: usize = 64;

/// One object's place; filled by the first who asks, while others wait for it.
type Slot = Arc<OnceLock<Result<PhysicalObject, Arc<str>>>>;

/// Objects with their convex parts, which take up to a second to make. Shared by the worker's thread and tasks.
#[derive(Resource, Clone, Debug, Default)]
pub struct PhysicalObjects {
    /// The one that was asked for last comes last.
    kept: Arc<Mutex<Vec<(ObjectGeometry, ObjectPhysics, Slot)>>>,
}

impl PhysicalObjects {
    /// The object of a shape with these properties; takes up to a second the first time, so not on a thread that draws.
    ///
    /// # Errors
    /// One sentence, for a mass or a friction that is none.
    pub fn get(
        &self,
        geometry: &ObjectGeometry,
        physics: &ObjectPhysics,
    ) -> Result<PhysicalObject, Arc<str>> {
        let physics_of = chois::contact::ObjectPhysics::from(*physics);
        // What is none would never be found again among what is kept.
        physics_of.validate().map_err(|e| e.to_string())?;
        let (slot, same) = {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            // Of the same shape, should it only weigh something else.
            let same = (kept.iter().rev())
                .filter(|(g, p, _)| g.is(geometry) && p != physics)
                .find_map(|(.., slot)| slot.get()?.as_ref().ok().cloned());
            let known = (kept.iter()).position(|(g, p, _)| g.is(geometry) && p == physics);
            let entry = match known {
                Some(at) => kept.remove(at),
                None => (geometry.clone(), *physics, Slot::default()),
            };
            let slot = entry.2.clone();
            if kept.len() >= MANY {
                kept.remove(0);
            }
            kept.push(entry);
            (slot, same)
        };
        slot.get_or_init(|| {
            let make = || match &same {
                Some(same) => same.with_physics(&physics_of),
                None => PhysicalObject::new(geometry, &physics_of),
            };
            match catch_unwind(AssertUnwindSafe(make)) {
                Ok(made) => made.map_err(|e| e.to_string().into()),
                Err(_) => Err("its convex parts could not be made; simplify its mesh".into()),
            }
        })
        .clone()
    }

    /// Number of objects kept.
    pub fn len(&self) -> usize {
        self.kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
