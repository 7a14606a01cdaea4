//! A handle that is taken, and how it is brought where it is wanted: by the pointer, or by Bevy's gizmo.

use chois::contact::ObstacleShape;
use chois::motion::FPS;
use chois::project::{Project, Strip, StripId};
use chois::request::ObjectPlace;
use chois::scene::rotation;
use nalgebra::{Vector2, Vector3};

use super::edit;
use super::handles::{Handle, Part, Spot};
use super::walls::Walls;
use super::way::{Planned, Way};
use crate::editor::session::Editor;

/// Highest and lowest that an object can be asked to be, metres: what requests take.
const HEIGHTS: [f32; 2] = [0.0, 2.5];
/// A height so near to what carries things is that, metres.
const MAGNET: f32 = 0.04;

/// A handle that is taken by a part, and how all was then.
pub(super) struct Grip {
    pub strip: StripId,
    pub spot: Spot,
    pub part: Part,
    pub way: Option<Way>,
    before: Project,
    /// The object's hull, where it is the object that is moved.
    hull: Option<ObstacleShape>,
}

/// Where a handle is wanted.
#[derive(Clone, Copy, Debug)]
pub(super) enum To {
    /// There, and so high where it has a height. Metres.
    Place(Vector2<f32>, Option<f32>),
    /// Turned like that, degrees from +x.
    Turn(f32),
    /// Passed then, seconds of the strip.
    Time(f32),
}

impl Grip {
    /// Takes a handle of the selected strip.
    pub fn of(handle: Handle, part: Part, editor: &Editor, planned: &Planned) -> Option<Self> {
        let strip = editor.strip()?;
        let moves_thing = match handle {
            Handle::Object => true,
            Handle::Waypoint(_) | Handle::End => strip.object().is_some(),
            Handle::Person => false,
        };
        let thing = strip.object().and_then(|id| editor.library().thing(id));
        let hull = thing.filter(|_| moves_thing);
        Some(Self {
            strip: strip.id,
            spot: planned.spot(handle)?,
            part,
            way: planned.way.clone(),
            before: editor.project().clone(),
            hull: hull.and_then(|thing| ObstacleShape::hull(&thing.geometry).ok()),
        })
    }

    /// Whether it is where an object stands, which has a height.
    pub fn stands(&self) -> bool {
        self.hull.is_some() && !matches!(self.spot.handle, Handle::Waypoint(_))
    }

    /// A height that can be asked for: that of what carries things where it is near.
    pub fn height(&self, wanted: f32, walls: &Walls, editor: &Editor) -> f32 {
        let wanted = wanted.clamp(HEIGHTS[0], HEIGHTS[1]);
        let Some(strip) = editor.project().strip(self.strip) else {
            return wanted;
        };
        let over = Vector3::new(self.spot.at.x, self.spot.at.y, wanted);
        let rest = walls.rest(editor, strip, over);
        if (wanted - rest).abs() < MAGNET {
            rest
        } else {
            wanted
        }
    }

    /// Brings it there; why it cannot be there, if so. One step of the history, as long as nothing else is done.
    pub fn bring(&self, to: To, walls: &Walls, editor: &mut Editor) -> Option<String> {
        let strip = editor.project().strip(self.strip)?.clone();
        let (id, handle) = (self.strip, self.spot.handle);
        let to = match to {
            To::Place(at, height) => To::Place(at, height.map(|h| h.clamp(HEIGHTS[0], HEIGHTS[1]))),
            other => other,
        };
        let test = self.test(&strip);
        let refusal = match to {
            To::Place(at, height) => {
                let angle = self.spot.angle.map_or(0.0, |a| a.0);
                test.refuse(editor, walls, at, height, angle)
            }
            To::Turn(degrees) if self.hull.is_some() => {
                let at = self.spot.at;
                test.refuse(editor, walls, at.xy(), Some(at.z), degrees.to_radians())
            }
            To::Turn(_) | To::Time(_) => None,
        };
        if let Some(why) = refusal {
            editor.complain(&why);
            return Some(why);
        }
        let label = match (self.part, handle) {
            (Part::Height, _) => "Raise",
            (Part::Turn, _) => "Turn",
            (Part::Time, _) => "Time waypoint",
            (Part::Floor, Handle::Person) => "Move person",
            (Part::Floor, Handle::Object) => "Move object",
            (Part::Floor, Handle::Waypoint(_)) => "Move waypoint",
            (Part::Floor, Handle::End) => "Move end",
        };
        let way = self.way.as_ref();
        editor.drag(&self.key(), label, |p| {
            match (to, handle) {
                (To::Place(at, height), _) => edit::put(p, id, handle, at, height),
                (To::Turn(degrees), _) => edit::turn(p, id, handle, degrees),
                (To::Time(time), Handle::Waypoint(i)) => edit::pass(p, id, i, time, way),
                (To::Time(_), _) => {}
            }
            Ok(())
        });
        None
    }

    /// Puts the handle back where it was.
    pub fn give_up(self, editor: &mut Editor) {
        let key = self.key();
        editor.drag(&key, "Drag", |p| {
            edit::put_back(p, &self.before, self.strip, self.spot.handle);
            Ok(())
        });
        editor.settle();
    }

    /// What its edits are one step by.
    fn key(&self) -> String {
        let Self {
            strip, spot, part, ..
        } = self;
        format!("scene {} {:?} {part:?}", strip.0, spot.handle)
    }

    fn test<'a>(&'a self, strip: &'a Strip) -> Test<'a> {
        let frame = self.spot.time.map_or(0, |(t, _)| (t * FPS) as usize);
        Test {
            strip,
            handle: self.spot.handle,
            frame,
            hull: self.hull.as_ref(),
            way: self.way.as_ref(),
        }
    }
}

/// Whether a handle may be somewhere.
pub(super) struct Test<'a> {
    pub strip: &'a Strip,
    pub handle: Handle,
    /// When the object is there.
    pub frame: usize,
    /// The object's hull, where it is an object that is there.
    pub hull: Option<&'a ObstacleShape>,
    pub way: Option<&'a Way>,
}

impl Test<'_> {
    /// Why it may not.
    pub fn refuse(
        &self,
        editor: &Editor,
        walls: &Walls,
        at: Vector2<f32>,
        height: Option<f32>,
        angle: f32,
    ) -> Option<String> {
        let thing = self
            .strip
            .object()
            .and_then(|id| editor.library().thing(id));
        let (Some(hull), Some(thing)) = (self.hull, thing) else {
            return walls.refuse_person(editor, self.strip, at);
        };
        let start = self.way.and_then(|way| way.start).unwrap_or_default();
        let (height, yaw) = match self.handle {
            // As high as it is carried there, turned as it began.
            Handle::Waypoint(_) => {
                let heights = self.way.and_then(|way| way.heights.as_ref());
                let carried = heights.and_then(|h| h.get(self.frame).copied());
                (carried.unwrap_or(0.0), start.yaw)
            }
            _ => (height.unwrap_or(0.0), angle.to_degrees()),
        };
        let turn = rotation(&ObjectPlace { yaw, ..start });
        let center = Vector3::new(at.x, at.y, height - thing.geometry.lowest(&turn));
        walls.refuse_thing(editor, self.strip, hull, center, turn)
    }
}

#[cfg(test)]
mod tests {
    use chois::project::{Deed, ObjectId, Take, TakeId, Verdict};
    use chois::request::PersonPlace;

    use super::*;
    use crate::editor::session::{Choice, Kind};

    /// Somebody carries a box, whose file is missing; and the box.
    fn carrying() -> (Editor, ObjectId) {
        let mut editor = Editor::default();
        assert!(editor.add_track("Ann", PersonPlace::default()));
        let object = editor.add_object(&Choice {
            name: "box".into(),
            file: "nowhere.glb".into(),
            place: ObjectPlace {
                position: [1.0, 0.0, 0.0],
                ..ObjectPlace::default()
            },
        });
        let object = object.expect("an object");
        editor
            .add_strip(0, Kind::Interact(object))
            .expect("a strip");
        (editor, object)
    }

    #[test]
    fn takes_that_came_during_a_drag_stay_when_it_is_given_up() {
        for (handle, at) in [
            (Handle::Person, Vector2::new(-1.0, 0.5)),
            (Handle::Object, Vector2::new(2.0, 0.5)),
            (Handle::End, Vector2::new(2.0, 1.5)),
        ] {
            let (mut editor, object) = carrying();
            let mut planned = Planned::default();
            planned.follow(&editor);
            let grip = Grip::of(handle, Part::Floor, &editor, &planned).expect("a handle");
            let places = |editor: &Editor| {
                let strip = editor.strip().expect("a strip");
                let Deed::Interact { end, .. } = strip.deed else {
                    panic!("{:?}", strip.deed);
                };
                let person = editor.project().tracks[0].person;
                let object = editor.project().object(object).map(|o| o.place);
                (end, person, object)
            };
            let was = places(&editor);
            let to = To::Place(at, None);
            assert_eq!(grip.bring(to, &Walls::default(), &mut editor), None);
            assert_ne!(places(&editor), was, "{handle:?}");
            let (strip, mut made) = (grip.strip, None);
            assert!(editor.edit("Generate", |p| {
                let id = TakeId(p.fresh());
                let take = Take {
                    id,
                    seed: 0,
                    variations: Vec::new(),
                    verdict: Verdict::Open,
                    made: None,
                    edits: Vec::new(),
                };
                let strip = p.strip_mut(strip).expect("a strip");
                strip.takes.push(take.into());
                made = Some(id);
                Ok(())
            }));
            let next = editor.project().next;
            grip.give_up(&mut editor);
            assert_eq!(places(&editor), was, "{handle:?}");
            let made = made.expect("a take");
            assert!(editor.project().take(made).is_some(), "{handle:?}");
            assert_eq!(editor.project().next, next, "{handle:?}");
        }
    }
}
