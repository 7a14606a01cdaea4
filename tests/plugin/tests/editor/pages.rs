//! The inspector's pages, and what is touched up in them.

use bevy_chois::editor::{Ask, Page, Tone};
use bevy_chois_tests::{carry, tick_times};
use bevy_egui::egui::{Event, Key, Modifiers};
use chois::motion::lock::Part;
use chois::project::Edit;
use chois::project::generate::Which;

use crate::editor;
use crate::seen::Seen;

#[test]
fn every_page_is_drawn_and_what_is_touched_up_is_seen_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut seen = Seen::new(&carry::project(folder.path()));
    let other = {
        let strip = seen.editor().strip().expect("a strip");
        strip.takes[1].id
    };
    editor(&mut seen.app).compared = Some(other);
    editor(&mut seen.app).playhead = 1.5;
    tick_times(&mut seen.app, 20);
    for page in [Page::Ask, Page::Takes, Page::Edit, Page::Measure] {
        seen.panel.page = page;
        (0..3).for_each(|_| seen.frame(Vec::new()));
    }
    // Where the take ends there is no moment to move, and nothing is tuned by itself.
    seen.panel.page = Page::Edit;
    editor(&mut seen.app).playhead = 4.0;
    (0..3).for_each(|_| seen.frame(Vec::new()));
    assert_eq!(
        seen.editor().status().1,
        Tone::Plain,
        "{:?}",
        seen.editor().status()
    );
    editor(&mut seen.app).playhead = 1.5;
    // A joint that is turned more and more is one edit and one step.
    let head = |seen: &Seen| {
        let editor = seen.editor();
        let clip = editor.library().shown(editor.strip().expect("a strip"));
        clip.expect("a clip").frames[45].pose.rotations[15]
    };
    let was = head(&seen);
    let turn = |degrees: f32| {
        Edit::Joint(chois::motion::edit::JointTouchUp {
            joint: "neck".into(),
            at: 1.5,
            rise: 0.4,
            hold: 0.0,
            fall: 0.4,
            turn: [0.0, degrees, 0.0],
        })
    };
    let steps = seen.editor().history().len()[0];
    for degrees in [10.0, 20.0, 30.0] {
        let same = |e: &Edit| matches!(e, Edit::Joint(_));
        assert!(editor(&mut seen.app).tune("turn", "Turn joint", same, turn(degrees)));
    }
    assert_eq!(seen.editor().history().len()[0], steps + 1);
    assert!((head(&seen).angle_to(&was).to_degrees() - 30.0).abs() < 0.1);
    let mut now = editor(&mut seen.app);
    now.settle();
    now.undo();
    assert!(head(&seen).angle_to(&was) < 1e-6);
    // K locks the whole moment; a hand comes to the same key.
    let event = |pressed| Event::Key {
        key: Key::K,
        physical_key: None,
        pressed,
        repeat: false,
        modifiers: Modifiers::NONE,
    };
    seen.frame(vec![event(true)]);
    seen.frame(vec![event(false)]);
    assert!(editor(&mut seen.app).lock(vec![Part::LeftHand]));
    let keys = seen.editor().strip().expect("a strip").keys.clone();
    assert_eq!(keys.len(), 1);
    assert_eq!(keys[0].parts, [Part::Body, Part::Object, Part::LeftHand]);
    assert!((keys[0].at - 1.5).abs() < 1e-6);
    // Where the strip begins it goes on from the one before.
    editor(&mut seen.app).playhead = 0.0;
    assert!(!editor(&mut seen.app).lock(vec![Part::Body]));
    assert_eq!(seen.editor().status().1, Tone::Bad);
    assert!(editor(&mut seen.app).unlock(0));
    assert!(seen.editor().strip().expect("a strip").keys.is_empty());
    // A take made by hand is like nothing that could be generated.
    let take = seen
        .editor()
        .strip()
        .expect("a strip")
        .shown
        .expect("a take");
    editor(&mut seen.app)
        .asks
        .push(Ask::Generate(Which::Like(take)));
    tick_times(&mut seen.app, 3);
    assert!(
        seen.editor().status().0.contains("by hand"),
        "{:?}",
        seen.editor().status()
    );
}
