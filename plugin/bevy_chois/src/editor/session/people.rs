//! Who and what is there: people and things, and where there is room for one more.

use chois::project::{Deed, Object, ObjectId, Strip, Track};
use chois::request::PersonPlace;

use super::{Choice, Editor};

impl Editor {
    /// Adds a person.
    pub fn add_track(&mut self, name: &str, person: PersonPlace) -> bool {
        self.edit("Add person", |p| {
            p.tracks.push(
                Track {
                    name: name.to_owned(),
                    person,
                    ..Track::default()
                }
                .into(),
            );
            Ok(())
        })
    }

    /// Adds one more person with the body of the last one, beside them: where nobody comes past and nothing stands.
    pub fn add_person(&mut self) -> bool {
        let count = self.project().tracks.len();
        let Some(last) = self.project().tracks.last() else {
            return self.add_track("Person", PersonPlace::default());
        };
        let (mut person, avatar) = (last.person, last.avatar.clone());
        person.position = self.free_place(&person);
        self.edit("Add person", |p| {
            let track = Track {
                name: format!("Person {}", count + 1),
                avatar,
                person,
                ..Track::default()
            };
            p.tracks.push(track.into());
            Ok(())
        })
    }

    /// A place beside somebody that is clear of everybody's ways and of things, x and y, metres: to the left where there is
    /// room, else as near as there is.
    fn free_place(&self, beside: &PersonPlace) -> [f32; 2] {
        /// Room between two people, metres.
        const CLEAR: f32 = 0.75;
        let project = self.project();
        let mut taken: Vec<[f32; 2]> = Vec::new();
        for track in &project.tracks {
            taken.push(track.person.position);
            for strip in &track.strips {
                if let Some(clip) = self.library.shown(strip) {
                    let way = clip.frames.iter().step_by(5);
                    taken.extend(way.map(|f| [f.pose.root.x, f.pose.root.y]));
                }
                taken.extend(strip.deed.waypoints().iter().map(|w| w.at));
                match &strip.deed {
                    Deed::Walk { end, .. } => taken.push(*end),
                    Deed::Interact {
                        end: Some([x, y, _]),
                        ..
                    } => taken.push([*x, *y]),
                    _ => {}
                }
            }
        }
        taken.extend(
            project
                .objects
                .iter()
                .map(|o| [o.place.position[0], o.place.position[1]]),
        );
        let facing = beside.facing.to_radians();
        let [x, y] = beside.position;
        let around = |far: f32| {
            // Left, right, behind and between; in front is where they go.
            [90.0_f32, -90.0, 180.0, 135.0, -135.0, 45.0, -45.0].map(|turn| {
                let along = facing + turn.to_radians();
                [x + far * along.cos(), y + far * along.sin()]
            })
        };
        let room = |at: &[f32; 2]| {
            let far = |t: &[f32; 2]| (t[0] - at[0]).hypot(t[1] - at[1]);
            taken.iter().map(far).fold(f32::INFINITY, f32::min)
        };
        let all: Vec<[f32; 2]> = [1.0, 1.5, 2.0, 2.5, 3.0]
            .into_iter()
            .flat_map(around)
            .collect();
        let clear = all.iter().find(|at| room(at) >= CLEAR);
        let widest = || all.iter().max_by(|a, b| room(a).total_cmp(&room(b)));
        clear.or_else(widest).copied().unwrap_or([x, y])
    }

    /// Where a person is at the end of what they do so far, and faces.
    pub(super) fn stands(&self, track: usize) -> PersonPlace {
        let Some(track) = self.project().tracks.get(track) else {
            return PersonPlace::default();
        };
        let mut place = track.person;
        let mut strips: Vec<&Strip> = track.strips.iter().map(|s| &**s).collect();
        strips.sort_by(|a, b| a.start.total_cmp(&b.start));
        for strip in strips {
            if let Some(frame) = self
                .library
                .shown(strip)
                .and_then(|c| c.frames.last().copied())
            {
                let ahead = frame.pose.rotations[0] * nalgebra::Vector3::z();
                let facing = ahead.y.atan2(ahead.x).to_degrees();
                place = PersonPlace {
                    position: [frame.pose.root.x, frame.pose.root.y],
                    facing,
                };
            } else if let Deed::Walk { end, facing, .. } = &strip.deed {
                place.position = *end;
                place.facing = facing.unwrap_or(place.facing);
            }
        }
        place
    }

    /// Adds an object.
    pub fn add_object(&mut self, choice: &Choice) -> Option<ObjectId> {
        let mut id = None;
        self.edit("Add object", |p| {
            let new = ObjectId(p.fresh());
            id = Some(new);
            p.objects.push(
                Object {
                    id: new,
                    name: choice.name.clone(),
                    file: choice.file.clone(),
                    up: None,
                    place: choice.place,
                    contact: Default::default(),
                }
                .into(),
            );
            Ok(())
        });
        id
    }
}
