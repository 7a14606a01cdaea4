//! Projects: the document, its files, its history, what is generated for it.

mod edits;
mod files;
mod generation;
mod history;
mod locks;
mod memory;

use std::path::Path;

use chois::project::{Deed, Object, ObjectId, Project, Strip, StripId, Track};
use chois::request::{InHand, ObjectPlace, PersonPlace, Waypoint};
use chois_tests::tiny;

#[global_allocator]
static ALLOCATOR: memory::Counting = memory::Counting;

/// A room with a box: somebody walks to it, carries it, walks away and stands.
fn project() -> Project {
    let mut project = Project::default();
    let object = ObjectId(project.fresh());
    project.objects.push(
        Object {
            id: object,
            name: "box".into(),
            file: "box.obj".into(),
            up: Some(chois::geometry::UpAxis::Z),
            place: ObjectPlace {
                position: [1.5, 0.0, 0.0],
                ..ObjectPlace::default()
            },
            contact: Default::default(),
        }
        .into(),
    );
    let mut track = Track {
        name: "Ann".into(),
        person: PersonPlace::default(),
        ..Track::default()
    };
    let mut start = 0.0;
    for (seconds, deed) in [
        (2.0, walk([0.9, 0.0])),
        (3.0, carry(object, [2.0, 0.5, 0.0])),
        (6.0, walk([0.5, 0.5])),
        (1.0, Deed::Idle),
    ] {
        let id = StripId(project.fresh());
        track
            .strips
            .push(Strip::new(id, start, seconds, deed).into());
        start += seconds;
    }
    project.tracks.push(track.into());
    project
}

fn walk(end: [f32; 2]) -> Deed {
    Deed::Walk {
        text: "Walk.".into(),
        waypoints: Vec::new(),
        end,
        facing: None,
        backward: false,
    }
}

fn carry(object: ObjectId, end: [f32; 3]) -> Deed {
    Deed::Interact {
        text: "Lift the box, move the box, and put down the box.".into(),
        object,
        waypoints: vec![Waypoint {
            at: [1.8, 0.2],
            time: None,
        }],
        end: Some(end),
        turn: None,
        in_hand: InHand::default(),
    }
}

/// Numbers of the project's strips.
fn strips(project: &Project) -> Vec<StripId> {
    project.strips().iter().map(|(_, s)| s.id).collect()
}

/// Puts the project's box into a folder.
fn write_box(folder: &Path) {
    let mesh = tiny::cuboid([-0.2; 3], [0.4; 3]);
    std::fs::write(folder.join("box.obj"), tiny::obj(&mesh)).expect("written");
}
