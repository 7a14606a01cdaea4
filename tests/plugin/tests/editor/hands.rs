//! Bars that say when each hand holds.

use std::sync::Arc;

use bevy::prelude::{Transform, default};
use bevy_chois::editor::{Editor, Tone};
use bevy_chois::frame;
use bevy_chois::npc::SceneObject;
use bevy_chois::object::ObjectShape;
use bevy_chois_tests::{carry, tick, tick_times, tick_until};
use bevy_egui::egui::{Key, pos2};
use chois::geometry::{Mesh, ObjectGeometry};
use chois::motion::MotionClip;
use chois::motion::lock::Part;
use chois::project::Edit;
use chois::skeleton::joint;
use nalgebra::Vector3;

use crate::seen::Seen;
use crate::{PATIENCE, editor, strips};

fn shown(seen: &Seen) -> Arc<MotionClip> {
    let strip = seen.editor().strip().expect("a strip");
    seen.editor().library().shown(strip).expect("a clip")
}

/// Has hands hold then, and waits for physics.
fn hold(seen: &mut Seen, left: [f32; 2], right: [f32; 2]) {
    assert!(editor(&mut seen.app).set_contact(vec![left], vec![right]));
    assert!(tick_until(&mut seen.app, PATIENCE, |world| {
        !world.resource::<Editor>().is_holding()
    }));
}

/// Frames of the shown take in which a hand holds.
fn touches(seen: &Seen, hand: usize) -> Vec<usize> {
    let editor = seen.editor();
    let clip = editor
        .library()
        .shown(editor.strip().expect("a strip"))
        .expect("a clip");
    let frames = 0..clip.frames.len();
    frames
        .filter(|f| clip.frames[*f].contact[hand] > 0.5)
        .collect()
}

#[test]
fn bars_are_put_and_deleted_and_physics_obeys() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut seen = Seen::new(&carry::project(folder.path()));
    let strip = seen.editor().strip().expect("a strip").id;
    let steps = |seen: &Seen| seen.editor().history().len()[0];
    let (before, was) = (steps(&seen), touches(&seen, 0));
    assert!(was[0] > 25, "{}", was[0]);
    // A double click where the left hand does not hold yet: it does there too.
    let ground = seen.place(("chois bar ground", strip.0, 0_usize));
    let at = pos2(
        ground.left() + ground.width() * 0.45 / 4.0,
        ground.center().y,
    );
    seen.click(at, 2);
    assert!(seen.editor().is_holding(), "{:?}", seen.editor().status());
    seen.settle();
    let early = |seen: &Seen| touches(seen, 0).into_iter().filter(|f| *f < 25).count();
    assert!(early(&seen) > 12, "{:?}", touches(&seen, 0));
    assert!(touches(&seen, 0).contains(&60), "the other bar stays");
    assert_eq!(steps(&seen), before + 1, "it is one step");
    // It is the one that X deletes, not the strip.
    seen.key(Key::X);
    assert!(seen.editor().is_holding(), "{:?}", seen.editor().status());
    seen.settle();
    assert_eq!(early(&seen), 0);
    assert_eq!(strips(seen.editor()), [strip]);
    // So is one that was clicked.
    let bar = seen.place(("chois bar", strip.0, 0_usize, 0_usize, "whole"));
    seen.click(bar.center(), 1);
    seen.key(Key::Delete);
    seen.settle();
    assert!(touches(&seen, 0).is_empty(), "{:?}", touches(&seen, 0));
    assert!(!touches(&seen, 1).is_empty(), "the other hand's is another");
    // All of it can be undone.
    assert_eq!(steps(&seen), before + 3);
    for _ in 0..3 {
        editor(&mut seen.app).undo();
    }
    assert_eq!(touches(&seen, 0), was);
    // With nothing taken, X is the strip's again.
    seen.settle();
    seen.click(ground.left_top() - bevy_egui::egui::vec2(-40.0, 20.0), 1);
    seen.key(Key::X);
    assert!(strips(seen.editor()).is_empty());
}

#[test]
fn a_bar_is_moved_by_its_middle() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut seen = Seen::new(&carry::project(folder.path()));
    let strip = seen.editor().strip().expect("a strip").id;
    let was = touches(&seen, 0);
    let bar = seen.place(("chois bar", strip.0, 0_usize, 0_usize, "whole"));
    let lane = seen.place(("chois bar ground", strip.0, 0_usize));
    let earlier = lane.width() * 0.3 / 4.0;
    seen.drag(
        bar.center(),
        bar.center() - bevy_egui::egui::vec2(earlier, 0.0),
    );
    seen.settle();
    let now = touches(&seen, 0);
    for (now, was) in [(now.first(), was.first()), (now.last(), was.last())] {
        let (now, was) = (now.expect("it holds"), was.expect("it held"));
        assert!((now + 9).abs_diff(*was) <= 3, "{now}, not 9 before {was}");
    }
}

#[test]
fn a_bar_that_is_dragged_has_the_hand_let_go_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut seen = Seen::new(&carry::project(folder.path()));
    let touches = |seen: &Seen| touches(seen, 0);
    let last = *touches(&seen).last().expect("it touches");
    let end = seen.rect("chois bar", 0, 1).expect("a bar").center();
    let start = seen.rect("chois bar", 0, 0).expect("a bar").center();
    let before = touches(&seen).len() as f32;
    // A third of it off.
    let to = pos2(end.x - (end.x - start.x) / 3.0, end.y);
    let steps = seen.editor().history().len()[0];
    seen.drag(end, to);
    assert!(seen.editor().is_holding(), "{:?}", seen.editor().status());
    let done = tick_until(&mut seen.app, PATIENCE, |world| {
        !world.resource::<Editor>().is_holding()
    });
    assert!(done);
    let now = *touches(&seen).last().expect("it touches");
    let want = last as f32 - before / 3.0;
    assert!((now as f32 - want).abs() < 4.0, "{now}, not {want}");
    assert_eq!(seen.editor().history().len()[0], steps + 1);
    // Again: the bar is told anew, not on top.
    editor(&mut seen.app).set_contact(vec![[1.0, 2.0]], vec![[1.0, 2.0]]);
    assert!(tick_until(&mut seen.app, PATIENCE, |world| {
        !world.resource::<Editor>().is_holding()
    }));
    let strip = seen.editor().strip().expect("a strip");
    assert_eq!(strip.shown().expect("a take").edits.len(), 1);
    let now = *touches(&seen).last().expect("it touches");
    assert!(now.abs_diff(59) <= 1, "{now}");
    editor(&mut seen.app).undo();
    editor(&mut seen.app).undo();
    assert_eq!(*touches(&seen).last().expect("it touches"), last);
    // What hands cannot do is told.
    editor(&mut seen.app).set_contact(vec![[0.0, 4.0]], vec![[1.0, 1.1]]);
    assert!(tick_until(&mut seen.app, PATIENCE, |world| {
        !world.resource::<Editor>().is_holding()
    }));
    assert_eq!(
        seen.editor()
            .strip()
            .expect("a strip")
            .shown()
            .expect("a take")
            .edits
            .len(),
        1
    );
}

#[test]
fn what_is_locked_stays_when_bars_are_dragged() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut seen = Seen::new(&carry::project(folder.path()));
    let start = seen.editor().strip().expect("a strip").start;
    // The right hand as it holds at 2 s, the left one as it is after it has let go, at 3.5 s.
    for (at, part) in [(2.0, Part::RightHand), (3.5, Part::LeftHand)] {
        let mut editor = editor(&mut seen.app);
        editor.playhead = start + at;
        assert!(editor.lock(vec![part]), "{:?}", editor.status());
    }
    let was = shown(&seen);
    let palm = |clip: &MotionClip, f: usize, k: usize| clip.joints(f)[joint::LEFT_PALM + k];
    hold(&mut seen, [1.0, 2.8], [1.2, 2.6]);
    let (line, tone) = seen.editor().status();
    assert_eq!(tone, Tone::Plain, "{line}");
    let now = shown(&seen);
    assert!((palm(&was, 60, 1) - palm(&now, 60, 1)).norm() < 0.01);
    assert!((palm(&was, 105, 0) - palm(&now, 105, 0)).norm() < 0.01);
    // Told to hold where it is locked elsewhere, the hand stays where it is locked, and that is said.
    hold(&mut seen, [1.0, 3.9], [1.2, 2.6]);
    let now = shown(&seen);
    let far = (palm(&was, 105, 0) - palm(&now, 105, 0)).norm();
    assert!(far < 0.01, "{far}");
    let (line, tone) = seen.editor().status();
    assert_eq!(tone, Tone::Bad);
    assert!(
        line.contains("left hand") && line.contains("locked beside the object at 3.50 s"),
        "{line}"
    );
    // Unlocked, it holds.
    assert!(editor(&mut seen.app).unlock(1));
    hold(&mut seen, [1.0, 3.9], [1.2, 2.6]);
    let now = shown(&seen);
    assert!((palm(&was, 105, 0) - palm(&now, 105, 0)).norm() > 0.03);
    assert!(
        now.frames[105].contact[0] > 0.5,
        "{:?}",
        seen.editor().status()
    );
}

#[test]
fn elbows_keep_out_of_what_stands_in_the_scene() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut seen = Seen::new(&carry::project(folder.path()));
    let outermost = |seen: &Seen| {
        let clip = shown(seen);
        // While the hands still hold, where the box is put down.
        let elbows = (78..86).map(|f| clip.joints(f)[joint::LEFT_ELBOW].x);
        elbows.fold(f32::NEG_INFINITY, f32::max)
    };
    hold(&mut seen, [1.0, 2.9], [1.0, 2.9]);
    let free = outermost(&seen);
    editor(&mut seen.app).undo();
    // A cupboard that the elbow would be three centimetres in.
    let mesh = Mesh::cuboid(Vector3::new(0.0, -1.5, 0.0), Vector3::new(0.4, 3.0, 1.7));
    let geometry = ObjectGeometry::new("cupboard", mesh).expect("a block");
    let place = frame::vec3(Vector3::new(free - 0.03, 0.0, 0.0));
    seen.app.world_mut().spawn((
        ObjectShape {
            geometry: Arc::new(geometry),
        },
        SceneObject {
            name: "cupboard".into(),
            ..default()
        },
        Transform::from_translation(place),
    ));
    tick_times(&mut seen.app, 3);
    hold(&mut seen, [1.0, 2.91], [1.0, 2.91]);
    let beside = outermost(&seen);
    assert!(beside < free - 0.02, "{beside} where there is room {free}");
    let clip = shown(&seen);
    assert!(clip.frames[80].contact[0] > 0.5, "it holds all the same");
}

/// Has physics begin.
fn begin_to_hold(seen: &mut Seen) {
    let both = vec![[1.0, 2.0]];
    assert!(editor(&mut seen.app).set_contact(both.clone(), both));
    tick(&mut seen.app);
    assert!(seen.editor().is_holding(), "{:?}", seen.editor().status());
}

/// Edits of the first strip's first take.
fn edits(seen: &Seen) -> Vec<Edit> {
    seen.editor().project().strips()[0].1.takes[0].edits.clone()
}

fn wait_for_physics(seen: &mut Seen) {
    assert!(tick_until(&mut seen.app, PATIENCE, |world| {
        !world.resource::<Editor>().is_holding()
    }));
}

#[test]
fn physics_of_a_document_that_was_put_aside_reaches_no_other() {
    let [own, other] = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
    let mut seen = Seen::new(&carry::project(own.path()));
    // Its takes have the same numbers.
    let other = carry::project(other.path());
    begin_to_hold(&mut seen);
    editor(&mut seen.app).open_beside(&other).expect("opened");
    assert!(!seen.editor().is_holding());
    tick(&mut seen.app);
    // Asked for in this one it is this one's.
    let strip = strips(seen.editor()).first().copied();
    editor(&mut seen.app).selected = strip;
    assert_eq!(edits(&seen), []);
    hold(&mut seen, [1.2, 2.4], [1.2, 2.4]);
    assert!(
        matches!(&edits(&seen)[..], [Edit::Contact { left, .. }] if *left == [[1.2, 2.4]]),
        "{:?}",
        edits(&seen)
    );
    // Nor does it come where a document is opened in place of this one.
    begin_to_hold(&mut seen);
    editor(&mut seen.app).open(&other).expect("opened");
    wait_for_physics(&mut seen);
    assert_eq!(edits(&seen), []);
    editor(&mut seen.app).show_document(0);
    wait_for_physics(&mut seen);
    assert_eq!(edits(&seen), []);
}

#[test]
fn what_was_edited_while_physics_ran_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut seen = Seen::new(&carry::project(folder.path()));
    let trim = Edit::Trim { from: 0.0, to: 3.0 };
    begin_to_hold(&mut seen);
    assert!(editor(&mut seen.app).edit_take("Trim", trim.clone()));
    wait_for_physics(&mut seen);
    assert_eq!(edits(&seen), [trim]);
    // It is told, for the bar is what it was.
    let (line, tone) = seen.editor().status();
    assert_eq!(tone, Tone::Bad, "{line}");
    assert!(line.contains("while physics ran"), "{line}");
    // What was undone can be done again.
    begin_to_hold(&mut seen);
    editor(&mut seen.app).undo();
    wait_for_physics(&mut seen);
    assert_eq!(edits(&seen), []);
    assert_eq!(seen.editor().history().redoes(), Some("Trim"));
}
