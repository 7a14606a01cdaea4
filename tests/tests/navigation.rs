//! Where things go and the ways there, in the rooms of `assets/scenes` and in rooms of any kind.

use chois::command::{Action, CommandParser, CommandPlan, Goal, Grammar, Relation, Step, Target};
use chois::geometry::{Mesh, ObjectGeometry};
use chois::navigation::{Agent, InteractLeg, Leg, NavigationConfig, NavigationRefusal, Navigator};
use chois::request::plan::{Plan, relaxed};
use chois::request::{ObjectPlace, PersonPlace};
use chois::scene::{Footprint, Item, ItemId, ItemKind, Scene};
use chois_tests::home::home;
use chois_tests::rooms::room;
use chois_tests::tiny;
use nalgebra::{Vector2, Vector3};
use proptest::prelude::*;
use serde_json::json;

const WHOLE: [f32; 2] = [f32::MIN, f32::MAX];

fn legs(scene: &Scene, text: &str) -> Result<Vec<Leg>, NavigationRefusal> {
    let plan = Grammar::new(None)
        .understand(text, scene)
        .unwrap_or_else(|e| panic!("{text}: {e}"));
    Navigator::new(scene, NavigationConfig::default()).plan(&plan, scene)
}

fn outlines(area: &Footprint) -> Vec<Vec<[f32; 2]>> {
    area.outlines()
        .into_iter()
        .map(|ring| ring.into_iter().map(Into::into).collect())
        .collect()
}

fn moved(item: &Item, place: ObjectPlace) -> Item {
    Item {
        place,
        ..item.clone()
    }
}

/// Commands that are drawn by the script that looks at them, and held to the rules of every plan.
const COMMANDS: [(&str, &str); 26] = [
    ("living_room", "Move the floor lamp next to the sofa."),
    (
        "living_room",
        "Put the chair in front of the shelf, then come back.",
    ),
    ("living_room", "Carry the box to the table."),
    (
        "living_room",
        "Put the stool between the sofa and the chair.",
    ),
    ("living_room", "Push the suitcase against the wall."),
    ("living_room", "Put the box on the table."),
    ("living_room", "Put the bin under the table."),
    ("living_room", "Take the tripod to marker A."),
    ("living_room", "Put the clothes stand in the corner."),
    (
        "living_room",
        "Lift the table above your head, walk, and put it down.",
    ),
    ("living_room", "Pull the storage box away from the wall."),
    (
        "living_room",
        "Walk to the door, then bring the stool there.",
    ),
    ("home", "Put the monitor on the shelf."),
    (
        "living_room",
        "Pick up the stool, walk to the window and put it down.",
    ),
    ("warehouse", "Carry the crate to the stool."),
    ("warehouse", "Take the suitcase to the door."),
    ("warehouse", "Put the box on the table."),
    ("warehouse", "Bring the chair to the table."),
    ("warehouse", "Put the stool behind the table."),
    ("warehouse", "Push the bin to the lamp."),
    ("clutter", "Put the suitcase against the wall."),
    ("clutter", "Take the monitor to the window."),
    ("clutter", "Move the stool next to the shelf."),
    ("home", "Carry the red box to the sofa."),
    ("home", "Move the white chair to the table."),
    (
        "home",
        "Put the lamp to the left of the sofa, then push the armchair to the wall.",
    ),
];

fn scene(name: &str) -> Scene {
    if name == "home" { home() } else { room(name) }
}

/// What holds of every interaction: the item ends where nothing else is, within the floor; its way keeps out of everything.
fn check(scene: &Scene, leg: &InteractLeg, what: &str) {
    let item = scene.item(leg.item).expect("the item");
    let start = moved(item, leg.request.start);
    let end = moved(item, leg.end);
    let there = Footprint::hull(&end, WHOLE);
    let bottom = leg.end.position[2];
    for other in &scene.items {
        if other.id == item.id || other.is_passable() {
            continue;
        }
        let low = other.place.position[2];
        let apart = low + other.height() <= bottom + 0.02 || bottom + end.height() <= low;
        let band = [bottom + 0.02, bottom + end.height()];
        if apart || !Footprint::hull(other, band).meets(&there) {
            continue;
        }
        assert!(
            !Footprint::slice(other, band).meets(&there),
            "{what}: the {} ends in the {}",
            item.name,
            other.name
        );
    }
    let points: Vec<Vector2<f32>> = leg.path.iter().map(|p| (*p).into()).collect();
    let first = points.first().expect("a way") - start.center().coords;
    let last = points.last().expect("a way") - end.center().coords;
    assert!(first.norm() < 1e-3 && last.norm() < 1e-3, "{what}");
    leg.request
        .validate()
        .unwrap_or_else(|e| panic!("{what}: {e}"));
    let plan = Plan::new(
        &leg.request,
        &item.geometry,
        &tiny::checkpoint().skeleton(),
        &relaxed(),
    )
    .unwrap_or_else(|e| panic!("{what}: {e}"));
    // The curve through the waypoints keeps to the way.
    let off = plan.path.iter().map(|p| {
        let near = points.windows(2).map(|s| {
            let along = s[1] - s[0];
            let t = (p - s[0]).dot(&along) / along.norm_squared().max(1e-9);
            (s[0] + along * t.clamp(0.0, 1.0) - p).norm()
        });
        near.fold(f32::INFINITY, f32::min)
    });
    let off = off.fold(0.0, f32::max);
    assert!(
        off < 0.08 || points.len() < 2,
        "{what}: {off} m off the way"
    );
}

#[test]
fn commands_lead_to_places_and_ways() {
    let mut drawn = Vec::new();
    let mut refused = 0;
    for (name, text) in COMMANDS {
        let scene = scene(name);
        let what = format!("{name}: {text}");
        let found = legs(&scene, text);
        let items: Vec<_> = scene
            .items
            .iter()
            .filter(|item| item.kind != ItemKind::Ceiling)
            .map(|item| {
                let area = if item.kind == ItemKind::Object || item.kind == ItemKind::Floor {
                    Footprint::hull(item, WHOLE)
                } else {
                    Footprint::slice(item, [0.05, 1.9])
                };
                json!({"name": item.name, "kind": item.kind, "area": outlines(&area),
                       "center": [item.center().x, item.center().y], "front": [item.front().x, item.front().y]})
            })
            .collect();
        let mut navigator = Navigator::new(&scene, NavigationConfig::default());
        let walkable = outlines(&navigator.walkable());
        let mut ends = Vec::new();
        let mut then = scene.clone();
        for leg in found.iter().flatten() {
            if let Leg::Interact(leg) = leg {
                check(&then, leg, &what);
                let item = then
                    .items
                    .iter_mut()
                    .find(|i| i.id == leg.item)
                    .expect("the item");
                item.place = leg.end;
                let end = Footprint::hull(item, WHOLE);
                ends.push(
                    json!({"area": outlines(&end), "front": [item.front().x, item.front().y],
                                 "center": [item.center().x, item.center().y]}),
                );
            }
        }
        drawn.push(json!({"scene": name, "text": text, "items": items, "walkable": walkable,
            "person": [scene.listener.position[0], scene.listener.position[1], scene.listener.facing],
            "ends": ends, "legs": found.as_ref().ok(), "refusal": found.as_ref().err().map(ToString::to_string)}));
        println!(
            "{what}: {}",
            found
                .as_ref()
                .err()
                .map_or("ok".into(), ToString::to_string)
        );
        refused += usize::from(found.is_err());
    }
    if let Some(path) = std::env::var_os("CHOIS_NAVIGATION_PICTURES") {
        std::fs::write(path, json!(drawn).to_string()).expect("written");
    }
    assert_eq!(refused, 0);
}

fn refused(scene: &Scene, text: &str) -> NavigationRefusal {
    match legs(scene, text) {
        Err(refusal) => refusal,
        Ok(legs) => panic!("{text}: {} legs", legs.len()),
    }
}

#[test]
fn what_does_not_go_is_refused_with_its_measures() {
    let living = room("living_room");
    let box_on_shelf = refused(&living, "Put the box on the shelf.");
    assert!(
        matches!(box_on_shelf, NavigationRefusal::SurfaceTooSmall { .. }),
        "{box_on_shelf}"
    );
    let under = refused(&living, "Put the floor lamp under the table.");
    assert!(
        matches!(&under, NavigationRefusal::TooHighFor { height, .. } if (height - 1.58).abs() < 0.02),
        "{under}"
    );
    let laden = refused(&room("clutter"), "Carry the table to the window.");
    assert!(
        matches!(&laden, NavigationRefusal::Laden { by, .. } if by == "monitor"),
        "{laden}"
    );
}

/// A box of these half lengths on the floor.
fn block(id: u64, name: &str, at: [f32; 2], half: [f32; 3], yaw: f32) -> Item {
    let half = Vector3::from(half);
    let geometry = ObjectGeometry::new(name, Mesh::cuboid(-half, half * 2.0)).expect("a box");
    let place = ObjectPlace {
        position: [at[0], at[1], 0.0],
        yaw,
        rotation: None,
    };
    Item::new(ItemId(id), name, geometry, place)
}

/// Two rooms with a wall between, which has a gap of this width.
fn two_rooms(gap: f32) -> Scene {
    let half = (3.0 - gap / 2.0) / 2.0;
    let mut items = vec![
        block(0, "crate", [-1.5, 0.0], [0.3, 0.25, 0.2], 0.0),
        block(1, "post", [1.5, 0.4], [0.1, 0.1, 0.5], 0.0),
        block(2, "wall", [0.0, gap / 2.0 + half], [0.05, half, 1.3], 0.0),
        block(3, "wall", [0.0, -gap / 2.0 - half], [0.05, half, 1.3], 0.0),
    ];
    for wall in &mut items[2..] {
        wall.kind = ItemKind::Wall;
    }
    Scene {
        items,
        floor: Some(vec![[-3.0, -3.0], [3.0, -3.0], [3.0, 3.0], [-3.0, 3.0]]),
        listener: PersonPlace {
            position: [-2.5, -1.0],
            facing: 0.0,
        },
        ..Scene::default()
    }
}

fn carry(object: u64, relation: Relation, target: Target) -> CommandPlan {
    let mut step = Step::new(Action::Carry, Some(ItemId(object)));
    step.goal = Some(Goal {
        relation,
        targets: vec![target],
        distance: None,
    });
    CommandPlan { steps: vec![step] }
}

#[test]
fn gaps_are_measured() {
    let to_post = carry(0, Relation::NextTo, Target::Item(ItemId(1)));
    let plan = |gap: f32| {
        let scene = two_rooms(gap);
        Navigator::new(&scene, NavigationConfig::default()).plan(&to_post, &scene)
    };
    plan(1.4).expect("a wide gap");
    plan(0.62).expect("a gap for the crate held lengthwise");
    let refusal = plan(0.54).expect_err("a person fits, the crate does not");
    match refusal {
        NavigationRefusal::TooNarrow {
            name,
            gap,
            needed,
            at,
        } => {
            assert_eq!(name, "crate");
            assert!((gap - 0.54).abs() < 0.06, "{gap}");
            assert!((needed - 0.58).abs() < 0.02, "{needed}");
            assert!(at[0].abs() < 0.3 && at[1].abs() < 0.4, "{at:?}");
        }
        other => panic!("{other}"),
    }
    let shut = plan(0.0).expect_err("no gap");
    assert!(matches!(shut, NavigationRefusal::NoRoom { .. }), "{shut}");
}

#[test]
fn obstacles_come_move_and_go() {
    let scene = two_rooms(1.2);
    let mut navigator = Navigator::new(&scene, NavigationConfig::default());
    let (from, to) = ([-2.5, 0.0], [2.5, 0.0]);
    let first = navigator.route(from, to).expect("through the gap");
    let block = block(9, "plug", [0.0, 0.0], [0.3, 0.5, 0.5], 0.0);
    navigator.set(&block);
    let shut = navigator.route(from, to).expect_err("the gap is shut");
    assert!(
        matches!(shut, NavigationRefusal::TooNarrow { .. }),
        "{shut}"
    );
    let aside = moved(
        &block,
        ObjectPlace {
            position: [2.0, -2.5, 0.0],
            ..block.place
        },
    );
    navigator.set(&aside);
    navigator.route(from, to).expect("it has moved");
    navigator.remove(ItemId(9));
    assert_eq!(navigator.route(from, to).expect("it is gone"), first);
}

#[test]
fn a_person_within_something_gets_out() {
    let scene = home();
    let mut navigator = Navigator::new(&scene, NavigationConfig::default());
    // In the sofa.
    let route = navigator
        .route([-3.4, 0.0], [0.0, -1.5])
        .expect("a way out");
    assert!(route.free.start > 0);
    let goal = route.points.last().expect("a goal");
    assert!((goal - Vector2::new(0.0, -1.5)).norm() < 1e-6);
    // Outside everything, and nowhere.
    assert!(navigator.route([0.0, -1.0], [80.0, 0.0]).is_err());
    assert!(navigator.route([f32::NAN, 0.0], [0.0, 0.0]).is_err());
}

#[test]
fn chairs_face_tables_and_backs_go_to_walls() {
    let scene = home();
    let find = |name: &str| {
        scene
            .items
            .iter()
            .find(|i| i.name == name)
            .expect("an item")
    };
    let end = |text: &str| {
        let found = legs(&scene, text).unwrap_or_else(|e| panic!("{text}: {e}"));
        let last = found.iter().rev().find_map(|leg| match leg {
            Leg::Interact(leg) => Some((**leg).clone()),
            _ => None,
        });
        let leg = last.expect("an interaction");
        moved(scene.item(leg.item).expect("the item"), leg.end)
    };
    let chair = end("Move the white chair to the table.");
    let way = find("table").center() - chair.center();
    assert!(chair.front().dot(&way.normalize()) > 0.9);
    for wall in ["east wall", "west wall", "north wall"] {
        let stool = end(&format!("Put the stool against the {wall}."));
        let inward = -find(wall).center().coords.normalize();
        // A stool looks the same four ways.
        let facing = stool.front().dot(&inward).abs();
        assert!(!(0.01..0.99).contains(&facing), "{wall}: {facing}");
        let gap = Footprint::hull(&stool, WHOLE).gap(&Footprint::hull(find(wall), WHOLE));
        assert!((0.0..0.06).contains(&gap), "{wall}: {gap}");
    }
    let on = end("Put the plant on the desk.");
    assert!((on.place.position[2] - 0.74).abs() < 0.01);
}

/// Any room: blocks of any size in any place, also in one another.
fn any_room() -> impl Strategy<Value = Scene> {
    let number = -3.0_f32..3.0;
    let block_of = (
        [number.clone(), number.clone()],
        [0.02_f32..0.9, 0.02_f32..0.6, 0.05_f32..1.2],
        -180.0_f32..180.0,
    );
    let floor = prop_oneof![
        3 => Just(Some(vec![[-3.5, -3.5], [3.5, -3.5], [3.5, 3.5], [-3.5, 3.5]])),
        1 => Just(None),
        // A floor that is no polygon, and one that crosses itself.
        1 => Just(Some(vec![[0.0, 0.0], [1.0, 0.0]])),
        1 => Just(Some(vec![[-3.0, -3.0], [3.0, 3.0], [3.0, -3.0], [-3.0, 3.0]])),
    ];
    (
        prop::collection::vec(block_of, 1..14),
        floor,
        [number.clone(), number.clone()],
        -180.0_f32..180.0,
        [number.clone(), number],
    )
        .prop_map(|(blocks, floor, person, facing, pointed)| {
            let items = blocks.into_iter().enumerate().map(|(i, (at, half, yaw))| {
                let mut item = block(i as u64, "block", at, half, yaw);
                item.surface = i % 3 == 0;
                if i % 5 == 4 {
                    item.kind = ItemKind::Wall;
                }
                item
            });
            Scene {
                items: items.collect(),
                floor,
                listener: PersonPlace {
                    position: person,
                    facing,
                },
                pointed: Some(pointed),
                ..Scene::default()
            }
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    /// Within its free part no way comes nearer to anything than the agent is wide.
    #[test]
    fn ways_keep_out_of_obstacles(scene in any_room(), to in [-4.0_f32..4.0, -4.0_f32..4.0], radius in 0.1_f32..0.6) {
        let mut navigator = Navigator::new(&scene, NavigationConfig::default());
        let agent = Agent::person(radius);
        if let Ok(route) = navigator.route_of(&agent, scene.listener.position, to, &[]) {
            let free = &route.points[route.free.clone()];
            for pair in free.windows(2) {
                let steps = ((pair[1] - pair[0]).norm() / 0.03).ceil().max(1.0) as usize;
                for k in 0..=steps {
                    let p = pair[0].lerp(&pair[1], k as f32 / steps as f32);
                    let clear = navigator.map().clearance(p, &[]);
                    prop_assert!(clear > radius - 2e-3, "{clear} m at {p:?}, {radius} m needed");
                }
            }
            prop_assert!((route.points[0] - Vector2::from(scene.listener.position)).norm() < 1e-6);
            prop_assert!((route.points[route.points.len() - 1] - Vector2::from(to)).norm() < 1e-6);
        }
    }

    /// Nothing ends in anything else, whatever stands where.
    #[test]
    fn things_end_where_nothing_is(
        scene in any_room(),
        object in 0_u64..3,
        target in 0_u64..4,
        relation in prop::sample::select(vec![
            Relation::NextTo, Relation::Near, Relation::InFrontOf, Relation::Behind, Relation::LeftOf, Relation::On,
            Relation::Under, Relation::Against, Relation::AwayFrom, Relation::Toward, Relation::At,
        ]),
        there in any::<bool>(),
    ) {
        let target = match there {
            true => Target::There,
            false => Target::Item(ItemId(target)),
        };
        let plan = carry(object, relation, target);
        prop_assume!(plan.check(&scene).is_ok());
        let legs = Navigator::new(&scene, NavigationConfig::default()).plan(&plan, &scene);
        for leg in legs.iter().flatten() {
            match leg {
                Leg::Interact(leg) => check(&scene, leg, "any room"),
                Leg::Walk(leg) => {
                    prop_assert_eq!(leg.points.len(), leg.times.len());
                    prop_assert!(leg.times.windows(2).all(|t| t[1] >= t[0]));
                }
                Leg::Wait { .. } => (),
            }
        }
    }
}

#[test]
fn a_map_that_follows_is_the_map_made_anew() {
    let mut scene = home();
    let config = NavigationConfig::default();
    let mut navigator = Navigator::new(&scene, config);
    let plan = |navigator: &mut Navigator, scene: &Scene| {
        let text = "Move the white chair to the table.";
        let plan = Grammar::new(None)
            .understand(text, scene)
            .expect("it is understood");
        navigator.plan(&plan, scene)
    };
    assert_eq!(
        plan(&mut navigator, &scene),
        plan(&mut Navigator::new(&scene, config), &scene)
    );
    // A thing moves, the person walks, a thing is gone.
    let desk = scene
        .items
        .iter()
        .position(|i| i.name == "desk")
        .expect("a desk");
    scene.items[desk].place.position[0] += 0.3;
    scene.listener.position = [0.4, -1.2];
    for gone in [false, true] {
        if gone {
            scene.items.remove(desk);
        }
        navigator.follow(&scene);
        let anew = plan(&mut Navigator::new(&scene, config), &scene);
        assert_eq!(plan(&mut navigator, &scene), anew);
    }
}

/// Who is told to come to somebody's left goes to where the one who says it has their left hand.
#[test]
fn who_comes_to_my_left_is_at_my_left() {
    let mut scene = room("living_room");
    let speaker = PersonPlace {
        position: [0.3, -0.2],
        facing: 120.0,
    };
    scene.speaker = Some(speaker);
    let ahead = Vector2::new(
        speaker.facing.to_radians().cos(),
        speaker.facing.to_radians().sin(),
    );
    let left = Vector2::new(-ahead.y, ahead.x);
    for (text, side) in [("Come to my left.", left), ("Come to my right.", -left)] {
        let legs = legs(&scene, text).unwrap_or_else(|e| panic!("{text}: {e}"));
        let Some(Leg::Walk(walk)) = legs.last() else {
            panic!("{text}: {legs:?}");
        };
        let end = *walk.points.last().expect("a way");
        let off = Vector2::from(end) - Vector2::from(speaker.position);
        assert!(off.dot(&side) > 0.5 * off.norm(), "{text}: {off:?}");
        assert!((0.4..1.5).contains(&off.norm()), "{text}: {off:?}");
    }
}
