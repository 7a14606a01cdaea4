//! A project in which somebody carries a box, in two takes that are as if they had been generated.

use std::path::{Path, PathBuf};

use chois::geometry::{Mesh, UpAxis};
use chois::project::{
    Deed, History, Library, Object, ObjectId, Project, Strip, StripId, Take, TakeId, Track,
    Verdict, file,
};
use chois::request::{InHand, ObjectPlace};
use chois_tests::tiny;
use nalgebra::Vector3;

/// Writes it into a folder, and returns its file: somebody carries a box half a metre, at the height of a table.
pub fn project(folder: &Path) -> PathBuf {
    write(folder, 1, 2)
}

/// The same twelve times one after another, with four takes each.
pub fn twelve(folder: &Path) -> PathBuf {
    write(folder, 12, 4)
}

fn write(folder: &Path, strips: usize, takes: usize) -> PathBuf {
    let mesh = Mesh::cuboid(
        Vector3::new(-0.2, -0.15, -0.15),
        Vector3::new(0.4, 0.3, 0.3),
    );
    std::fs::write(folder.join("box.obj"), tiny::obj(&mesh)).expect("written");
    let mut project = Project::default();
    let object = ObjectId(project.fresh());
    project.objects.push(
        Object {
            id: object,
            name: "box".into(),
            file: "box.obj".into(),
            up: Some(UpAxis::Z),
            place: ObjectPlace {
                position: [0.0, -0.45, 0.8],
                ..Default::default()
            },
            contact: Default::default(),
        }
        .into(),
    );
    let mut library = Library::default();
    let mut track = Track {
        name: "Ann".into(),
        ..Default::default()
    };
    for k in 0..strips {
        let id = StripId(project.fresh());
        let deed = Deed::Interact {
            text: "Lift the box, move the box, and put down the box.".into(),
            object,
            waypoints: Vec::new(),
            end: Some([0.5, -0.45, 0.8]),
            turn: None,
            in_hand: InHand::default(),
        };
        let mut strip = Strip::new(id, 4.0 * k as f32, 4.0, deed);
        for t in 0..takes {
            let take = TakeId(project.fresh());
            library.insert(take, chois_tests::carry::clip(0.5 - 0.1 * t as f32, 0.0));
            let take = Take {
                id: take,
                seed: t as u64,
                variations: Vec::new(),
                verdict: Verdict::Open,
                made: None,
                edits: Vec::new(),
            };
            strip.takes.push(take.into());
        }
        strip.shown = Some(strip.takes[0].id);
        track.strips.push(strip.into());
    }
    project.tracks.push(track.into());
    let path = folder.join("carry.chois.ron");
    file::save(&mut History::new(project), &mut library, &path).expect("saved");
    path
}
