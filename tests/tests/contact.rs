//! Contact: hands that hold, objects that move because they are moved, and what happens when that cannot be.

use std::sync::Arc;

use chois::contact::palm::{Palm, pad};
use chois::contact::report::{ContactReport, ReportOptions};
use chois::contact::{
    ContactEvent, ContactOptions, Corrected, Grip, LetGo, LiveContact, Mass, ObjectPhysics,
    Obstacle, ObstacleShape, PhysicalObject, correct,
};
use chois::geometry::{Mesh, ObjectGeometry};
use chois::motion::MotionClip;
use chois::skeleton::{Pose, joint};
use chois_tests::carry;
use nalgebra::{Isometry3, Translation3, UnitQuaternion, Vector3};

fn object(kilograms: f32) -> PhysicalObject {
    let physics = ObjectPhysics {
        mass: Mass::Kilograms(kilograms),
        ..ObjectPhysics::default()
    };
    PhysicalObject::new(&carry::thing(), &physics).expect("an object")
}

fn run(clip: &MotionClip, object: &PhysicalObject, options: &ContactOptions) -> Corrected {
    correct(clip, object, options).expect("a clip")
}

fn center(object: &PhysicalObject, clip: &MotionClip, frame: usize) -> Vector3<f32> {
    object.place(&clip.frames[frame]).translation.vector
}

/// How far each palm is from the object's surface.
fn gaps(object: &PhysicalObject, clip: &MotionClip, frame: usize) -> [f32; 2] {
    let palms = Palm::of(&clip.skeleton);
    let place = object.place(&clip.frames[frame]);
    [0, 1].map(|hand| {
        let rotation = clip.frames[frame].pose.rotations[joint::LEFT_WRIST + hand];
        let at = pad(&palms[hand], hand, &clip.joints(frame), &rotation);
        let local = place.inverse_transform_point(&at.into()).coords;
        object.surface().signed_distance(&local).abs()
    })
}

fn releases(events: &[ContactEvent]) -> Vec<LetGo> {
    (events.iter())
        .filter_map(|e| match e {
            ContactEvent::Released { reason, .. } => Some(*reason),
            _ => None,
        })
        .collect()
}

fn is_whole(clip: &MotionClip) -> bool {
    let good = |p: &Pose| {
        p.root.iter().all(|v| v.is_finite())
            && p.rotations.iter().all(|q| (q.norm() - 1.0).abs() < 1e-3)
    };
    (clip.frames.iter()).all(|f| good(&f.pose) && f.object_position.iter().all(|v| v.is_finite()))
}

#[test]
fn hands_that_were_off_are_on_the_surface_and_stay_there() {
    let object = object(4.0);
    let clip = carry::clip(0.5, 0.06);
    assert!(gaps(&object, &clip, 60).iter().all(|g| *g > 0.03));
    let held = run(&clip, &object, &ContactOptions::default());
    assert_eq!(held.holds.len(), 2);
    for f in held.holds[0].first..=held.holds[0].last {
        for gap in gaps(&object, &held.clip, f) {
            assert!(gap < 2e-3, "frame {f}: {gap}");
        }
        assert_eq!(held.clip.frames[f].contact[..2], [1.0, 1.0]);
        let away = (center(&object, &held.clip, f) - center(&object, &clip, f)).norm();
        assert!(away < 0.03, "frame {f}: strays {away}");
    }
    let report = |clip: &MotionClip| {
        let options = ReportOptions {
            mass: 4.0,
            ..ReportOptions::default()
        };
        ContactReport::of(clip, object.geometry(), &options).expect("a report")
    };
    let (before, after) = (report(&clip), report(&held.clip));
    let distance = |r: &ContactReport| r.hand_distance.as_ref().expect("contact").p95;
    assert!(distance(&before) > 0.03 && distance(&after) < 0.005);
    assert!(after.slip.as_ref().expect("contact").worst < 0.005);
    assert_eq!(after.unexplained_impulse, Some(0.0));
    assert!(after.object_below_floor.expect("frames") < 1e-3);
    assert_eq!(releases(&held.events), [LetGo::Planned; 2]);
    // What the clip does before and after is still what it does.
    let apart = |j: usize| (held.clip.joints(0)[j] - clip.joints(0)[j]).norm();
    let most = (0..24)
        .map(|j| (apart(j), j))
        .fold((0.0, 0), |a, b| if b.0 > a.0 { b } else { a });
    assert!(most.0 < 5e-3, "{most:?}");
    let end = clip.frames.len() - 1;
    let feet = [joint::LEFT_ANKLE, joint::RIGHT_ANKLE];
    for f in [30, 60, end] {
        for foot in feet {
            assert!((held.clip.joints(f)[foot] - clip.joints(f)[foot]).norm() < 3e-3);
        }
    }
}

#[test]
fn the_same_gives_the_same_bits() {
    let object = object(4.0);
    let clip = carry::clip(0.5, 0.05);
    let options = ContactOptions::default();
    assert_eq!(run(&clip, &object, &options), run(&clip, &object, &options));
}

#[test]
fn what_is_corrected_stays_as_it_is() {
    let object = object(4.0);
    let options = ContactOptions::default();
    let once = run(&carry::clip(0.5, 0.05), &object, &options);
    let twice = run(&once.clip, &object, &options);
    for f in 0..once.clip.frames.len() {
        let moved = center(&object, &once.clip, f) - center(&object, &twice.clip, f);
        assert!(moved.norm() < 0.01, "frame {f}: object {moved:?}");
        let (a, b) = (once.clip.joints(f), twice.clip.joints(f));
        for j in 0..a.len() {
            let moved = (a[j] - b[j]).norm();
            assert!(moved < 0.03, "frame {f}, joint {j}: {moved}");
        }
    }
}

/// Somebody stands before a chest that is wider than they reach, palms flat on its front, and moves it by `way` metres
/// (world y; they face -y).
fn flat_hands(way: f32) -> (MotionClip, ObjectGeometry) {
    let size = Vector3::new(2.0, 0.6, 1.9);
    let chest = Mesh::cuboid(-size / 2.0, size);
    let chest = ObjectGeometry::new("chest", chest.refined()).expect("a mesh");
    let mut clip = carry::clip(0.0, 0.0);
    let palms = Palm::of(&clip.skeleton);
    for f in 0..clip.frames.len() {
        let t = ((f as f32 - 35.0) / 50.0).clamp(0.0, 1.0);
        let shift = Vector3::new(0.0, way * t * t * (3.0 - 2.0 * t), 0.0);
        let front = Vector3::new(0.0, -0.42, 0.0) + shift;
        let skeleton = clip.skeleton.clone();
        let frame = &mut clip.frames[f];
        frame.object_position = front + Vector3::new(0.0, -0.3, 0.95);
        frame.pose.root = Vector3::new(0.0, 0.0, 0.93) + shift;
        for (hand, side) in [(0, 1.0f32), (1, -1.0)] {
            let palm = &palms[hand];
            let up = UnitQuaternion::rotation_between(&palm.along, &Vector3::z()).expect("a turn");
            let faces = up * palm.inward.into_inner();
            let about = -std::f32::consts::FRAC_PI_2 - faces.y.atan2(faces.x);
            let turned = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), about) * up;
            frame.pose.rotations[joint::LEFT_WRIST + hand] = turned;
            let at = front + Vector3::new(side * 0.2, 0.03, 1.2);
            let limb = [chois::ik::LEFT_ARM, chois::ik::RIGHT_ARM][hand];
            chois::ik::reach(&skeleton, &mut frame.pose, limb, at);
        }
    }
    (clip, chest)
}

#[test]
fn a_flat_palm_pushes_but_hardly_pulls() {
    let moved = |way: f32, kilograms: f32, grip: Grip| {
        let (clip, chest) = flat_hands(way);
        let physics = ObjectPhysics {
            mass: Mass::Kilograms(kilograms),
            friction: Some(0.4),
            ..ObjectPhysics::default()
        };
        let object = PhysicalObject::new(&chest, &physics).expect("an object");
        let options = ContactOptions {
            grip,
            ..ContactOptions::default()
        };
        let held = run(&clip, &object, &options);
        assert!(is_whole(&held.clip));
        let way = center(&object, &held.clip, 119) - center(&object, &held.clip, 0);
        (way.y, held)
    };
    // 40 kg take 157 N to slide, which two hands push with ease; they pull with 120.
    let (pushed, held) = moved(-0.4, 40.0, Grip::default());
    assert!((pushed + 0.4).abs() < 0.05, "pushed by {pushed}");
    assert!(held.holds.len() == 2 && held.holds.iter().all(|h| !h.grasp.closes));
    assert_eq!(releases(&held.events), [LetGo::Planned; 2]);
    let (pulled, held) = moved(0.4, 40.0, Grip::default());
    assert!(pulled.abs() < 0.05, "pulled by {pulled}");
    assert!(
        releases(&held.events).contains(&LetGo::Slipped),
        "{:?}",
        held.events
    );
    // What is light comes along, and hands that stick better pull more.
    let (light, _) = moved(0.4, 10.0, Grip::default());
    assert!((light - 0.4).abs() < 0.05, "pulled by {light}");
    let sticky = Grip {
        pull: 250.0,
        ..Grip::default()
    };
    let (stuck, _) = moved(0.4, 40.0, sticky);
    assert!((stuck - 0.4).abs() < 0.05, "pulled by {stuck}");
}

#[test]
fn what_is_too_heavy_stays_and_says_why() {
    let heavy = object(5.0 * 2.0 * Grip::default().force / 9.81);
    let clip = carry::clip(0.8, 0.05);
    let held = run(&clip, &heavy, &ContactOptions::default());
    for f in 0..clip.frames.len() {
        let moved = center(&heavy, &held.clip, f) - center(&heavy, &clip, 0);
        assert!(moved.norm() < 0.05, "frame {f}: {moved:?}");
    }
    let told = (held.events.iter()).any(|e| {
        matches!(
            e,
            ContactEvent::Strained {
                reason: LetGo::TooHeavy,
                ..
            } | ContactEvent::Released {
                reason: LetGo::TooHeavy,
                ..
            }
        )
    });
    assert!(told, "{:?}", held.events);
    assert!(is_whole(&held.clip));
    // The same hands carry what they can.
    let light = object(10.0);
    let held = run(&clip, &light, &ContactOptions::default());
    let end = center(&light, &held.clip, 119) - center(&light, &clip, 119);
    assert!(end.norm() < 0.05, "{end:?}");
}

#[test]
fn two_hands_lift_what_their_force_is_worth() {
    let clip = carry::clip(0.8, 0.02);
    // 500 N are 51 kg, whichever way the hands are turned.
    for (kilograms, lifted) in [(40.0, true), (54.0, false)] {
        let heavy = object(kilograms);
        let held = run(&clip, &heavy, &ContactOptions::default());
        let start = center(&heavy, &clip, 0).z;
        let most = (0..clip.frames.len())
            .map(|f| center(&heavy, &held.clip, f).z - start)
            .fold(0.0, f32::max);
        assert!((most > 0.1) == lifted, "{kilograms} kg by {most} m");
        for effort in &held.efforts {
            assert!(effort.force < 1.1 * Grip::default().force, "{effort:?}");
        }
    }
}

#[test]
fn a_wall_stops_the_object_and_the_hands_let_go() {
    let object = object(4.0);
    let clip = carry::clip(1.2, 0.02);
    let wall = Obstacle::new(
        ObstacleShape::cuboid(Vector3::new(0.05, 1.0, 1.5)).expect("a box"),
        Isometry3::translation(0.75, -0.45, 1.5),
    );
    let options = ContactOptions {
        obstacles: vec![wall],
        ..ContactOptions::default()
    };
    let held = run(&clip, &object, &options);
    assert!(
        releases(&held.events).contains(&LetGo::Blocked),
        "{:?}",
        held.events
    );
    for f in 0..clip.frames.len() {
        let x = center(&object, &held.clip, f).x;
        assert!(x + carry::HALF < 0.7 + 0.02, "frame {f}: through the wall");
    }
    // Dropped, it falls.
    let end = center(&object, &held.clip, 119);
    assert!(end.z < 0.3, "{end:?}");
    assert!(is_whole(&held.clip));
}

#[test]
fn what_is_let_go_of_in_the_air_falls_and_rests() {
    let object = object(4.0);
    let mut clip = carry::clip(0.5, 0.02);
    // Hands leave at the highest point, and the clip's object goes on as if nothing had happened.
    for frame in &mut clip.frames[60..] {
        frame.contact = [0.0; 4];
        frame.pose = clip_pose_away(&frame.pose);
    }
    let options = ContactOptions {
        supports: false,
        ..ContactOptions::default()
    };
    // Without its table it would fall at once.
    for frame in &mut clip.frames[..60] {
        frame.contact = [1.0, 1.0, 0.0, 0.0];
    }
    let held = run(&clip, &object, &options);
    let end = center(&object, &held.clip, 119);
    assert!((end.z - 0.15).abs() < 0.05, "on the floor: {end:?}");
    let before = center(&object, &held.clip, 118);
    assert!((end - before).norm() < 0.005, "at rest");
    let options = ReportOptions {
        mass: 4.0,
        skin: false,
        ..ReportOptions::default()
    };
    let report = ContactReport::of(&held.clip, object.geometry(), &options).expect("a report");
    // Of the 20 N s with which it lands: edge by edge, which frames a thirtieth of a second apart tell only so well.
    assert!(
        report.unexplained_impulse.expect("frames") < 0.2,
        "{report}"
    );
}

/// The pose a metre back, out of reach of everything.
fn clip_pose_away(pose: &Pose) -> Pose {
    let mut out = *pose;
    out.root.y += 1.0;
    out
}

#[test]
fn nobody_is_moved_by_what_is_out_of_reach() {
    let object = object(4.0);
    let mut clip = carry::clip(0.5, 0.02);
    for frame in &mut clip.frames {
        frame.pose.root.y += 2.0;
    }
    let held = run(&clip, &object, &ContactOptions::default());
    let far = (held.events.iter()).filter(|e| matches!(e, ContactEvent::OutOfReach { .. }));
    assert_eq!(far.count(), 2, "{:?}", held.events);
    assert!(held.holds.is_empty());
    for f in 0..clip.frames.len() {
        assert_eq!(held.clip.frames[f].pose, clip.frames[f].pose);
        let moved = center(&object, &held.clip, f) - center(&object, &clip, 0);
        assert!(moved.norm() < 0.005, "an untouched object stays: {moved:?}");
    }
    for event in &held.events {
        let text = event.to_string();
        assert!(
            text.contains("left hand") || text.contains("right hand") || text.contains("nobody")
        );
    }
}

#[test]
fn a_foot_can_kick() {
    let object = object(2.0);
    let mut clip = carry::clip_at(0.0, 0.0, 0.5);
    for (f, frame) in clip.frames.iter_mut().enumerate() {
        // The right foot swings through the box from behind, the person standing beside it.
        frame.contact = [0.0, 0.0, 0.0, f32::from(u8::from((30..60).contains(&f)))];
        let t = ((f as f32 - 30.0) / 30.0).clamp(0.0, 1.0);
        frame.pose.root = Vector3::new(0.08, 0.15 - 0.5 * t, 0.93);
        frame.object_position.y -= 0.4 * t;
    }
    let held = run(&clip, &object, &ContactOptions::default());
    let moved = center(&object, &held.clip, 119) - center(&object, &clip, 0);
    assert!(moved.y < -0.1, "{moved:?}");
    assert!(is_whole(&held.clip));
}

#[test]
fn strange_meshes_do_no_harm() {
    let sizes = [
        ("thin", [0.4, 0.3, 0.0005]),
        ("small", [0.02, 0.02, 0.02]),
        ("large", [6.0, 2.0, 2.0]),
    ];
    for (name, size) in sizes {
        let size = Vector3::from(size);
        let mut mesh = Mesh::cuboid(-size / 2.0, size);
        for broken in 0..3 {
            match broken {
                1 => mesh.triangles.truncate(9),
                2 => mesh.triangles.iter_mut().for_each(|t| t.swap(0, 1)),
                _ => {}
            }
            let geometry = ObjectGeometry::new(name, mesh.clone()).expect("a mesh");
            let object =
                PhysicalObject::new(&geometry, &ObjectPhysics::default()).expect("an object");
            let held = run(&carry::clip(0.3, 0.02), &object, &ContactOptions::default());
            assert!(is_whole(&held.clip), "{name}, broken {broken}");
        }
    }
}

#[test]
fn what_is_no_clip_is_refused_by_the_frame() {
    let object = object(4.0);
    let mut clip = carry::clip(0.5, 0.02);
    clip.frames[17].pose.root.x = f32::NAN;
    let error = correct(&clip, &object, &ContactOptions::default()).expect_err("refused");
    assert!(error.to_string().contains("frame 17"), "{error}");
    clip.frames.clear();
    assert!(correct(&clip, &object, &ContactOptions::default()).is_err());
    for force in [0.0, -1.0, f32::NAN] {
        let options = ContactOptions {
            grip: Grip {
                force,
                ..Grip::default()
            },
            ..ContactOptions::default()
        };
        let error = correct(&carry::clip(0.5, 0.0), &object, &options).expect_err("refused");
        assert!(error.to_string().starts_with("grip.force"), "{error}");
    }
}

/// A live run to its end, `disturb` called before each step.
fn live(
    clip: &MotionClip,
    object: &PhysicalObject,
    step: f32,
    mut disturb: impl FnMut(&mut LiveContact),
) -> (Vec<chois::motion::Frame>, Vec<ContactEvent>) {
    let options = ContactOptions::default();
    let mut live = LiveContact::new(Arc::new(clip.clone()), object, &options).expect("prepared");
    let (mut frames, mut events) = (Vec::new(), Vec::new());
    while !live.is_over() {
        disturb(&mut live);
        let now = live.advance(step).expect("a step");
        frames.push(now.frame);
        events.extend(now.events);
    }
    (frames, events)
}

#[test]
fn undisturbed_live_is_what_bake_makes() {
    let object = object(4.0);
    let clip = carry::clip(0.5, 0.05);
    let baked = run(&clip, &object, &ContactOptions::default());
    let (frames, _) = live(&clip, &object, 1.0 / 30.0, |_| {});
    assert!(frames.len() >= 118);
    for (f, (frame, wanted)) in frames.iter().zip(&baked.clip.frames[1..]).enumerate() {
        let apart = frame.object_position - wanted.object_position;
        assert!(apart.norm() < 1e-4, "frame {f}: {apart:?}");
        let hands = [joint::LEFT_PALM, joint::RIGHT_PALM];
        let joints = |pose: &Pose| clip.skeleton.forward(pose);
        for hand in hands {
            let apart = joints(&frame.pose)[hand] - joints(&wanted.pose)[hand];
            assert!(apart.norm() < 1e-3, "frame {f}: {apart:?}");
        }
    }
    // At another rate it is nearly the same.
    let (fine, _) = live(&clip, &object, 1.0 / 64.0, |_| {});
    let apart = fine[fine.len() - 1].object_position - frames[frames.len() - 1].object_position;
    assert!(apart.norm() < 0.01, "{apart:?}");
}

#[test]
fn somebody_yanks_the_object_away() {
    let object = object(4.0);
    let clip = carry::clip(0.5, 0.03);
    let mut struck = false;
    let (frames, events) = live(&clip, &object, 1.0 / 64.0, |live| {
        if live.time() > 2.0 && !struck {
            struck = true;
            let at = live.place().translation.vector;
            live.strike(&Vector3::new(0.0, -80.0, 0.0), &at);
        }
    });
    assert!(releases(&events).contains(&LetGo::Taken), "{events:?}");
    let last = &frames[frames.len() - 1];
    assert!(last.object_position.y < -1.0, "{:?}", last.object_position);
    // The person goes on to the clip's end.
    let own = clip.frames[119].pose.root;
    assert!((last.pose.root - own).norm() < 0.1);
    for (f, pair) in frames.windows(2).enumerate() {
        let joints = |f: &chois::motion::Frame| clip.skeleton.forward(&f.pose);
        let (a, b) = (joints(&pair[0]), joints(&pair[1]));
        for j in 0..a.len() {
            let way = (b[j] - a[j]).norm();
            assert!(way < 0.12, "step {f}: joint {j} jumps by {way}");
        }
    }
}

#[test]
fn the_game_puts_the_object_elsewhere() {
    let object = object(4.0);
    let clip = carry::clip(0.5, 0.03);
    let mut moved = false;
    let (frames, events) = live(&clip, &object, 1.0 / 60.0, |live| {
        if live.time() > 2.0 && !moved {
            moved = true;
            let place = Translation3::new(3.0, 3.0, 1.0);
            live.put(&Isometry3::from_parts(place, UnitQuaternion::identity()));
        }
    });
    assert_eq!(releases(&events), [LetGo::Taken; 2], "{events:?}");
    let last = frames[frames.len() - 1].object_position;
    assert!(
        (last - Vector3::new(3.0, 3.0, 0.15)).norm() < 0.1,
        "{last:?}"
    );
    // Taken by hand, it is the game's at once, and no hand takes hold again.
    let mut taken = false;
    let (_, events) = live(&clip, &object, 1.0 / 60.0, |live| {
        if live.time() > 0.5 && !taken {
            taken = true;
            live.take();
        }
    });
    assert!(
        !events
            .iter()
            .any(|e| matches!(e, ContactEvent::Held { .. }))
    );
}

/// The bars of the README's table, on generated interactions: eight objects by five kinds of instruction.
#[test]
fn generated_interactions_meet_the_bars() {
    use chois_tests::contact_suite::{
        INSTRUCTIONS, OBJECTS, assets, case, deep, object, quantile, synthesizer, table,
    };
    let mut synthesizer = synthesizer();
    let mut outcomes = Vec::new();
    for (i, (file, word)) in OBJECTS.iter().enumerate() {
        // Eight of the eleven, for time's sake.
        if ["box", "bin", "stool"].contains(file) {
            continue;
        }
        let path = assets().join(format!("objects/{file}.glb"));
        let thing = object(&path, &ObjectPhysics::default());
        for (k, (kind, instruction)) in INSTRUCTIONS.iter().enumerate() {
            let seed = (i * 10 + k) as u64;
            let case = case(&mut synthesizer, &thing, word, kind, instruction, seed);
            let name = case.name.clone();
            // The object turns as a thing does that somebody carries.
            let turns: Vec<f32> = (case.clip.frames.windows(2))
                .map(|w| w[0].object_rotation.angle_to(&w[1].object_rotation))
                .collect();
            let snap = (turns.windows(2))
                .map(|w| (w[1] - w[0]).abs())
                .fold(0.0, f32::max);
            assert!(snap < 0.1, "{name}: the object snaps by {snap} rad");
            outcomes.push(case.run(&ContactOptions::default()));
        }
    }
    let of = |value: &dyn Fn(&ContactReport) -> Option<f64>, share: f32| {
        let mut values: Vec<f32> = (outcomes.iter())
            .filter_map(|o| value(&o.comparison.after))
            .map(|v| v as f32)
            .collect();
        assert!(values.len() >= 36, "most clips have contact");
        quantile(&mut values, share)
    };
    let all = table(&outcomes);
    let hands = |r: &ContactReport| r.hand_distance.as_ref().map(|d| d.p95);
    assert!(of(&hands, 0.95) < 0.015, "{all}");
    let slip = |r: &ContactReport| r.slip.as_ref().map(|s| s.worst);
    assert!(of(&slip, 0.95) < 0.005, "{all}");
    let depth = |r: &ContactReport| r.hand_penetration.as_ref().map(|d| d.p95);
    assert!(of(&depth, 0.5) < 0.005 && of(&depth, 0.95) < 0.01, "{all}");
    // The 95th percentile over all frames is below half a centimetre.
    assert!(deep(&outcomes, |o| &o.comparison.after) < 0.05, "{all}");
    assert!(of(&|r| r.object_below_floor, 1.0) < 0.002, "{all}");
    assert!(of(&|r| r.unexplained_impulse, 0.95) < 0.05, "{all}");
    let mut strayed: Vec<f32> = outcomes.iter().flat_map(|o| o.strayed.clone()).collect();
    assert!(quantile(&mut strayed, 0.5) < 0.03, "{all}");
    let mut missed: Vec<f32> = outcomes.iter().flat_map(|o| o.missed.clone()).collect();
    assert!(quantile(&mut missed, 0.95) < 0.05, "{all}");
    let mut jerky: Vec<f32> = outcomes
        .iter()
        .map(|o| o.after.size / o.before.size)
        .collect();
    assert!(quantile(&mut jerky, 1.0) < 1.5, "{all}");
    // Metres a frame and frame, of 30 a second: nothing is left to jump at.
    let mut peaks: Vec<f32> = outcomes.iter().map(|o| o.after.size).collect();
    assert!(
        quantile(&mut peaks, 0.5) < 0.1 && quantile(&mut peaks, 0.95) < 0.16,
        "{all}"
    );
    for outcome in &outcomes {
        let skate = |r: &ContactReport| r.foot_skate.expect("frames");
        let (before, after) = (
            skate(&outcome.comparison.before),
            skate(&outcome.comparison.after),
        );
        assert!(after < 0.0035 && after < before + 2e-4, "{all}");
    }
}

#[test]
fn hands_hold_when_they_are_told_to() {
    let object = object(4.0);
    let clip = carry::clip(0.5, 0.0);
    let usual = run(&clip, &object, &ContactOptions::default());
    let [first, last] = [usual.holds[0].first, usual.holds[0].last];
    let seconds = |frame: usize| frame as f32 / clip.fps;
    let told = |from: usize, to: usize| {
        let stretch = vec![[seconds(from), seconds(to)]];
        let options = ContactOptions {
            given: [Some(stretch.clone()), Some(stretch)],
            ..ContactOptions::default()
        };
        run(&clip, &object, &options)
    };
    let touches = |held: &Corrected, hand: usize| -> Vec<usize> {
        let frames = 0..held.clip.frames.len();
        frames
            .filter(|&f| held.clip.frames[f].contact[hand] > 0.5)
            .collect()
    };
    // Shorter: they let go where the bar ends, in the middle of the carry, and the box falls to the floor.
    let short = told(first, 60);
    for hand in 0..2 {
        let frames = touches(&short, hand);
        let (from, to) = (frames[0], frames[frames.len() - 1]);
        assert!(
            from.abs_diff(first) <= 1 && to.abs_diff(59) <= 1,
            "{from} to {to}"
        );
    }
    assert!(is_whole(&short.clip));
    let height = |held: &Corrected, f: usize| center(&object, &held.clip, f).z;
    let (usual_height, dropped) = (height(&usual, 75), height(&short, 75));
    assert!(dropped < usual_height - 0.05, "{dropped} of {usual_height}");
    // Longer: palms lie on the box half a second longer than the clip has them there.
    let long = told(first, last + 16);
    for hand in 0..2 {
        let frames = touches(&long, hand);
        assert!(
            frames[frames.len() - 1].abs_diff(last + 15) <= 1,
            "{frames:?}"
        );
    }
    for f in last + 2..last + 15 {
        assert!(gaps(&object, &usual.clip, f).iter().any(|g| *g > 0.005) || f < last + 12);
        for gap in gaps(&object, &long.clip, f) {
            assert!(gap < 2e-3, "frame {f}: {gap}");
        }
    }
    // Told nothing to hold, hands hold nothing, and the box stays where it stands.
    let none = ContactOptions {
        given: [Some(Vec::new()), Some(Vec::new())],
        ..ContactOptions::default()
    };
    let free = run(&clip, &object, &none);
    assert!(free.holds.is_empty() && touches(&free, 0).is_empty());
    let way = center(&object, &free.clip, 119) - center(&object, &free.clip, 0);
    assert!(way.norm() < 0.01, "{way}");
    // One alone: the other goes on as it would.
    let left = ContactOptions {
        given: [Some(vec![[seconds(first), seconds(60)]]), None],
        ..ContactOptions::default()
    };
    let one = run(&clip, &object, &left);
    assert!(touches(&one, 0).len() < touches(&one, 1).len());
    let bad = ContactOptions {
        given: [None, Some(vec![[2.0, 1.0]])],
        ..ContactOptions::default()
    };
    let error = correct(&clip, &object, &bad)
        .expect_err("backward")
        .to_string();
    assert!(error.contains("right hand"), "{error}");
}
