//! The way that the selected strip will go, worked out as generation does, however fast that would be.

use bevy::ecs::prelude::*;
use chois::motion::FPS;
use chois::project::{StripId, Task};
use chois::request::plan::{Plan, relaxed};
use chois::request::walk::MAX_WALK_SPEED;
use chois::request::walk_plan::WalkPlan;
use chois::request::{MAX_SPEED, ObjectPlace};
use chois::skeleton::Skeleton;
use nalgebra::{Vector2, Vector3};

use super::handles::{Spot, spots};
use crate::editor::session::Editor;

/// A way over the floor. Metres, Z up; [`FPS`] places a second.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Way {
    pub strip: StripId,
    pub path: Vec<Vector2<f32>>,
    /// Height of the object's lowest point at each place; none for a walk.
    pub heights: Option<Vec<f32>>,
    /// Frames at which waypoints are passed.
    frames: Vec<usize>,
    /// The fastest that generation takes, metres a second.
    pub limit: f32,
    /// The object at the beginning.
    pub start: Option<ObjectPlace>,
    heading: Option<f32>,
    /// Why it cannot be generated so.
    pub refusal: Option<String>,
}

impl Way {
    /// The way of a strip; none for one that goes nowhere or whose parts are no places.
    pub fn of(editor: &Editor, strip: StripId) -> Option<Self> {
        let seconds = editor.project().strip(strip)?.seconds;
        let task = editor.project().expected(editor.library(), strip).ok()?;
        // Which person goes it matters to the first pose only.
        let (skeleton, standing) = (Skeleton::adult(), relaxed());
        match task {
            Task::Walk(mut request) => {
                request.seconds = Some(seconds);
                let plan = WalkPlan::at_any_speed(&request, &skeleton, &standing).ok()?;
                let refusal = WalkPlan::new(&request, &skeleton, &standing).err();
                Some(Self {
                    strip,
                    heading: plan.headings.last().copied(),
                    path: plan.path,
                    heights: None,
                    frames: plan.waypoint_frames,
                    limit: MAX_WALK_SPEED,
                    start: None,
                    refusal: refusal.map(|e| e.to_string()),
                })
            }
            Task::Interact(request, thing) => {
                let plan =
                    Plan::at_any_speed(&request, &thing.geometry, &skeleton, &standing).ok()?;
                let refusal = Plan::new(&request, &thing.geometry, &skeleton, &standing).err();
                let resting = -thing.geometry.lowest(&plan.rotation);
                Some(Self {
                    strip,
                    path: plan.path,
                    heights: Some(plan.heights.iter().map(|h| h - resting).collect()),
                    frames: plan.waypoint_frames,
                    limit: MAX_SPEED,
                    start: Some(request.start),
                    heading: None,
                    refusal: refusal.map(|e| e.to_string()),
                })
            }
        }
    }

    /// When a waypoint is passed, seconds of the strip.
    pub fn passes(&self, waypoint: usize) -> Option<f32> {
        Some(*self.frames.get(waypoint)? as f32 / FPS)
    }

    /// Between which waypoints a frame is: the number that a waypoint there would have.
    pub fn leg(&self, frame: usize) -> usize {
        self.frames.partition_point(|f| *f < frame)
    }

    /// Where somebody who walks faces in the end, radians from +x.
    pub fn arrives(&self) -> Option<f32> {
        self.heading
    }

    /// Speed after each place but the last, metres a second.
    pub fn speeds(&self) -> impl Iterator<Item = f32> {
        self.path.windows(2).map(|p| (p[1] - p[0]).norm() * FPS)
    }

    /// Where it is fastest: the frame, and metres a second.
    pub fn fastest(&self) -> Option<(usize, f32)> {
        self.speeds().enumerate().max_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// A place on the floor under the way.
    pub fn ground(&self, frame: usize) -> Option<Vector3<f32>> {
        let at = self.path.get(frame)?;
        Some(Vector3::new(at.x, at.y, 0.0))
    }
}

/// The selected strip's way and what can be taken of it.
#[derive(Resource, Default)]
pub(super) struct Planned {
    of: Option<(u64, Option<StripId>)>,
    pub way: Option<Way>,
    pub spots: Vec<Spot>,
}

impl Planned {
    /// Brings it up to date; costs nothing where nothing has changed.
    pub fn follow(&mut self, editor: &Editor) {
        let now = Some((editor.revision(), editor.selected));
        if self.of == now {
            return;
        }
        self.of = now;
        self.way = editor.strip().and_then(|strip| Way::of(editor, strip.id));
        self.spots = spots(editor, self.way.as_ref());
    }

    pub fn spot(&self, handle: super::Handle) -> Option<Spot> {
        self.spots.iter().copied().find(|s| s.handle == handle)
    }
}

pub(super) fn follow(editor: Res<Editor>, mut planned: ResMut<Planned>) {
    if editor.shown {
        planned.follow(&editor);
    }
}
