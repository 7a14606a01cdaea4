//! What a handle changes in the project.

use chois::motion::FPS;
use chois::project::{Deed, Project, Strip, StripId};
use chois::request::{EndTurn, Waypoint};
use nalgebra::Vector2;

use super::handles::Handle;
use super::way::Way;
use crate::editor::session::Editor;

/// Waypoints are passed so long after one another, seconds.
const APART: f32 = 0.1;

/// Puts a handle somewhere: x and y, and the height where it has one, metres.
pub(super) fn put(
    project: &mut Project,
    strip: StripId,
    handle: Handle,
    at: Vector2<f32>,
    height: Option<f32>,
) {
    let at: [f32; 2] = at.into();
    match handle {
        Handle::Person => {
            if let Some(track) = project.track_of(strip) {
                project.tracks[track].edit().person.position = at;
            }
        }
        Handle::Object => {
            let object = project.strip(strip).and_then(Strip::object);
            if let Some(object) = object.and_then(|id| project.object_mut(id)) {
                object.place.position[..2].copy_from_slice(&at);
                if let Some(height) = height {
                    object.place.position[2] = height;
                }
            }
        }
        Handle::Waypoint(i) => {
            let all = project
                .strip_mut(strip)
                .and_then(|s| s.deed.waypoints_mut());
            if let Some(waypoint) = all.and_then(|all| all.get_mut(i)) {
                waypoint.at = at;
            }
        }
        Handle::End => match project.strip_mut(strip).map(|s| &mut s.deed) {
            Some(Deed::Walk { end, .. }) => *end = at,
            Some(Deed::Interact { end, .. }) => {
                let old = end.map_or(0.0, |[.., z]| z);
                *end = Some([at[0], at[1], height.unwrap_or(old)]);
            }
            _ => {}
        },
    }
}

/// Turns a handle, degrees.
pub(super) fn turn(project: &mut Project, strip: StripId, handle: Handle, degrees: f32) {
    match handle {
        Handle::Person => {
            if let Some(track) = project.track_of(strip) {
                project.tracks[track].edit().person.facing = degrees;
            }
        }
        Handle::Object => {
            let object = project.strip(strip).and_then(Strip::object);
            if let Some(object) = object.and_then(|id| project.object_mut(id)) {
                object.place.yaw = degrees;
            }
        }
        Handle::End => match project.strip_mut(strip).map(|s| &mut s.deed) {
            Some(Deed::Walk { facing, .. }) => *facing = Some(degrees),
            Some(Deed::Interact { turn, .. }) => {
                let alike = turn.map_or(1, |t| t.alike);
                *turn = Some(EndTurn {
                    yaw: degrees,
                    alike,
                });
            }
            _ => {}
        },
        Handle::Waypoint(_) => {}
    }
}

/// Puts a handle back as it was before, and nothing else: takes may have come meanwhile.
pub(super) fn put_back(project: &mut Project, before: &Project, strip: StripId, handle: Handle) {
    match handle {
        Handle::Person => {
            let was = before.track_of(strip).map(|k| before.tracks[k].person);
            if let Some((track, was)) = project.track_of(strip).zip(was) {
                project.tracks[track].edit().person = was;
            }
        }
        Handle::Object => {
            let object = before.strip(strip).and_then(Strip::object);
            let was = object.and_then(|id| before.object(id));
            if let Some(was) = was
                && let Some(object) = project.object_mut(was.id)
            {
                object.place = was.place;
            }
        }
        Handle::Waypoint(_) | Handle::End => {
            let was = before.strip(strip).map(|s| &s.deed);
            if let Some((strip, was)) = project.strip_mut(strip).zip(was) {
                strip.deed.clone_from(was);
            }
        }
    }
}

/// When the waypoints are passed, as the strip says or else as its way does.
fn times(strip: &Strip, way: Option<&Way>) -> Vec<f32> {
    let all = strip.deed.waypoints();
    let even = |i: usize| strip.seconds * (i + 1) as f32 / (all.len() + 1) as f32;
    let planned = |i: usize| way.and_then(|w| w.passes(i)).unwrap_or_else(|| even(i));
    (all.iter().enumerate())
        .map(|(i, w)| w.time.unwrap_or_else(|| planned(i)))
        .collect()
}

/// Has a waypoint be passed at a time, seconds of the strip, between its neighbours'; the others at the times at which they
/// are now, since a time is given to all or to none.
pub(super) fn pass(
    project: &mut Project,
    strip: StripId,
    waypoint: usize,
    time: f32,
    way: Option<&Way>,
) {
    let Some(strip) = project.strip_mut(strip) else {
        return;
    };
    let times = times(strip, way);
    let end = strip.seconds - 1.0 / FPS;
    // A waypoint may have gone since its handle was taken.
    let before = waypoint.checked_sub(1).and_then(|i| times.get(i));
    let low = before.map_or(APART, |before| before + APART);
    let high = times.get(waypoint + 1).map_or(end, |next| *next) - APART;
    let Some(all) = strip.deed.waypoints_mut() else {
        return;
    };
    for (w, time) in all.iter_mut().zip(&times) {
        w.time = Some(*time);
    }
    if let Some(w) = all.get_mut(waypoint)
        && low < high
    {
        w.time = Some(time.clamp(low, high));
    }
}

impl Editor {
    /// Adds a waypoint to the selected strip: x and y, metres; `index` is the number it gets. Where the others have times it
    /// gets one between its neighbours'.
    pub fn add_waypoint(&mut self, index: usize, at: [f32; 2]) -> bool {
        let Some(strip) = self.selected else {
            return false;
        };
        let added = self.edit("Add waypoint", |p| {
            let Some(strip) = p.strip_mut(strip) else {
                return Ok(());
            };
            let seconds = strip.seconds;
            if let Some(all) = strip.deed.waypoints_mut() {
                let index = index.min(all.len());
                let before = index.checked_sub(1).map_or(Some(0.0), |i| all[i].time);
                let after = all.get(index).map_or(Some(seconds), |w| w.time);
                let timed = all.iter().any(|w| w.time.is_some());
                let between = before.zip(after).map(|(a, b)| (a + b) / 2.0);
                let time = between.filter(|_| timed);
                all.insert(index, Waypoint { at, time });
            }
            Ok(())
        });
        if added {
            self.scene.picked = Some((strip, Handle::Waypoint(index)));
        }
        added
    }

    /// Deletes the waypoint that was taken last; false where none was.
    pub fn delete_picked(&mut self) -> bool {
        let Some((strip, Handle::Waypoint(i))) = self.scene.picked else {
            return false;
        };
        if self.selected != Some(strip) {
            return false;
        }
        self.scene.picked = None;
        self.edit("Delete waypoint", |p| {
            if let Some(all) = p.strip_mut(strip).and_then(|s| s.deed.waypoints_mut())
                && i < all.len()
            {
                all.remove(i);
            }
            Ok(())
        })
    }

    /// Has waypoints of the selected strip be passed when the distance says, not at times of their own.
    pub fn free_times(&mut self) -> bool {
        let Some(strip) = self.selected else {
            return false;
        };
        self.edit("Free times", |p| {
            let all = p.strip_mut(strip).and_then(|s| s.deed.waypoints_mut());
            for w in all.into_iter().flatten() {
                w.time = None;
            }
            Ok(())
        })
    }

    /// Whether waypoints of the selected strip have times of their own.
    pub fn is_timed(&self) -> bool {
        let all = self.strip().map(|s| s.deed.waypoints());
        all.is_some_and(|all| all.iter().any(|w| w.time.is_some()))
    }
}

#[cfg(test)]
mod tests {
    use chois::project::ObjectId;
    use chois::request::InHand;

    use super::*;

    fn project() -> (Project, StripId) {
        let at = |x: f32| Waypoint {
            at: [x, 0.0],
            time: None,
        };
        let deed = Deed::Interact {
            text: "Push it.".into(),
            object: ObjectId(1),
            waypoints: vec![at(0.5), at(1.0)],
            end: None,
            turn: None,
            in_hand: InHand::default(),
        };
        let mut project = Project::default();
        project.tracks.push(chois::project::Track::default().into());
        let strip = Strip::new(StripId(2), 0.0, 4.0, deed);
        project.tracks[0].edit().strips.push(strip.into());
        (project, StripId(2))
    }

    #[test]
    fn a_time_is_given_to_all_and_stays_between_its_neighbours() {
        let (mut project, id) = project();
        pass(&mut project, id, 0, 2.0, None);
        let times = |project: &Project| -> Vec<f32> {
            let strip = project.strip(id).expect("a strip");
            let all = strip.deed.waypoints().iter();
            all.filter_map(|w| w.time).collect()
        };
        let given = times(&project);
        assert!((given[0] - 2.0).abs() < 1e-6 && (given[1] - 8.0 / 3.0).abs() < 1e-5);
        pass(&mut project, id, 0, 9.0, None);
        assert!((times(&project)[0] - (8.0 / 3.0 - APART)).abs() < 1e-5);
        // One that has gone meanwhile changes nothing of the others.
        let known = times(&project);
        pass(&mut project, id, 7, 1.0, None);
        assert_eq!(times(&project), known);
        pass(&mut project, id, 1, 0.0, None);
        let given = times(&project);
        assert!((given[1] - given[0] - APART).abs() < 1e-5, "{given:?}");
        project.strip_mut(id).expect("a strip").stretch(2.0);
        let half = times(&project);
        assert!((half[1] - given[1] / 2.0).abs() < 1e-5, "{half:?}");
    }

    #[test]
    fn an_end_that_was_not_said_begins_to_be() {
        let (mut project, id) = project();
        put(
            &mut project,
            id,
            Handle::End,
            Vector2::new(1.5, 0.2),
            Some(0.4),
        );
        turn(&mut project, id, Handle::End, 90.0);
        let strip = project.strip(id).expect("a strip");
        let Deed::Interact { end, turn, .. } = &strip.deed else {
            panic!("{:?}", strip.deed);
        };
        assert_eq!(*end, Some([1.5, 0.2, 0.4]));
        assert_eq!(turn.map(|t| t.yaw), Some(90.0));
    }
}
