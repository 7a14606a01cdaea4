//! Bars that say when each hand holds.

use bevy_chois::editor::Editor;
use bevy_chois_tests::{carry, tick_until};
use bevy_egui::egui::{Key, pos2};

use crate::seen::Seen;
use crate::{PATIENCE, editor, strips};

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
    let before = steps(&seen);
    // Both hands let go in the middle of the way.
    editor(&mut seen.app).set_contact(vec![[1.0, 2.0]], vec![[1.0, 3.4]]);
    seen.settle();
    assert!(touches(&seen, 0).iter().all(|f| *f < 62));
    // A double click where the left hand does not hold: it does there.
    let ground = seen.place(("chois bar ground", strip.0, 0_usize));
    let at = |seconds: f32| {
        pos2(
            ground.left() + ground.width() * seconds / 4.0,
            ground.center().y,
        )
    };
    seen.click(at(2.8), 2);
    assert!(seen.editor().is_holding(), "{:?}", seen.editor().status());
    seen.settle();
    let again: Vec<usize> = touches(&seen, 0).into_iter().filter(|f| *f > 62).collect();
    assert!(
        again.len() > 12 && again.iter().all(|f| (75..=93).contains(f)),
        "{again:?}"
    );
    assert_eq!(steps(&seen), before + 2, "each is one step");
    // It is the one that X deletes, not the strip.
    seen.key(Key::X);
    assert!(seen.editor().is_holding(), "{:?}", seen.editor().status());
    seen.settle();
    assert!(touches(&seen, 0).iter().all(|f| *f < 62));
    assert_eq!(strips(seen.editor()), [strip]);
    // So is one that was clicked.
    let bar = seen.place(("chois bar", strip.0, 0_usize, 0_usize, "whole"));
    seen.click(bar.center(), 1);
    seen.key(Key::Delete);
    seen.settle();
    assert_eq!(touches(&seen, 0), [] as [usize; 0]);
    assert!(!touches(&seen, 1).is_empty(), "the other hand's is another");
    // All of it can be undone.
    assert_eq!(steps(&seen), before + 4);
    for _ in 0..3 {
        editor(&mut seen.app).undo();
    }
    assert!(touches(&seen, 0).iter().any(|f| *f < 62));
    // With nothing picked, X is the strip's again.
    seen.settle();
    seen.click(ground.left_top() - bevy_egui::egui::vec2(-40.0, 20.0), 1);
    seen.key(Key::X);
    assert_eq!(strips(seen.editor()), []);
}

#[test]
fn a_bar_is_moved_by_its_middle() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut seen = Seen::new(&carry::project(folder.path()));
    let strip = seen.editor().strip().expect("a strip").id;
    editor(&mut seen.app).set_contact(vec![[1.0, 2.0]], vec![[1.0, 3.4]]);
    seen.settle();
    let bar = seen.place(("chois bar", strip.0, 0_usize, 0_usize, "whole"));
    let lane = seen.place(("chois bar ground", strip.0, 0_usize));
    let later = lane.width() * 0.5 / 4.0;
    seen.drag(
        bar.center(),
        bar.center() + bevy_egui::egui::vec2(later, 0.0),
    );
    seen.settle();
    let now = touches(&seen, 0);
    let (first, last) = (now[0], *now.last().expect("it holds"));
    assert!(
        first.abs_diff(45) <= 2 && last.abs_diff(74) <= 2,
        "{first} to {last}"
    );
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
