use chois::Error;
use chois::project::{
    Changed, Deed, Edit, History, Project, Strip, StripId, Take, TakeId, Verdict,
};

use crate::{memory, project, strips, walk};

fn moved(history: &mut History, id: StripId, start: f32) -> Changed {
    history
        .edit("Move strip", |p| {
            p.strip_mut(id).expect("a strip").start = start;
            Ok(())
        })
        .expect("it can be moved")
}

#[test]
fn back_and_forth() {
    let first = project();
    let last = *strips(&first).last().expect("strips");
    let mut history = History::new(first.clone());
    assert!(!history.undo() && !history.redo() && history.is_empty());
    assert_eq!(moved(&mut history, last, 12.0), Changed::Step);
    assert_eq!(moved(&mut history, last, 12.0), Changed::Nothing);
    assert_eq!(moved(&mut history, last, 13.0), Changed::Step);
    let moved_twice = history.project().clone();
    assert_eq!(history.undoes(), Some("Move strip"));
    assert!(history.undo() && history.undo() && !history.undo());
    assert_eq!(*history.project(), first);
    assert!(history.redo() && history.redo() && !history.redo());
    assert_eq!(*history.project(), moved_twice);
    // A new edit ends the future.
    assert!(history.undo());
    assert_eq!(history.redoes(), Some("Move strip"));
    moved(&mut history, last, 14.0);
    assert_eq!((history.redoes(), history.len()), (None, [2, 0]));
}

#[test]
fn what_is_dragged_is_one_step() {
    let first = project();
    let last = *strips(&first).last().expect("strips");
    let mut history = History::new(first.clone());
    let drag = |history: &mut History, start: f32| {
        history
            .drag("strip", "Move strip", |p| {
                p.strip_mut(last).expect("a strip").start = start;
                Ok(())
            })
            .expect("it can be moved")
    };
    assert_eq!(drag(&mut history, 11.1), Changed::Step);
    for i in 2..50 {
        assert_eq!(drag(&mut history, 11.0 + i as f32 * 0.1), Changed::Merged);
    }
    history.settle();
    assert_eq!(history.len(), [1, 0]);
    assert_eq!(drag(&mut history, 19.0), Changed::Step);
    assert_eq!(history.len(), [2, 0]);
    assert!(history.undo() && history.undo());
    assert_eq!(*history.project(), first);
    // Back to where it was: nothing to undo.
    drag(&mut history, 12.0);
    drag(&mut history, 11.0);
    assert!(!history.undo());
}

#[test]
fn what_cannot_be_is_refused_and_changes_nothing() {
    let first = project();
    let all = strips(&first);
    let mut history = History::new(first.clone());
    let refused = history.edit("Move strip", |p| {
        p.strip_mut(all[1]).expect("a strip").start = 1.0;
        Ok(())
    });
    let Err(Error::Invalid { reason, .. }) = refused else {
        panic!("{refused:?}");
    };
    assert!(
        reason.contains("overlap") && reason.contains("move one"),
        "{reason}"
    );
    assert_eq!(*history.project(), first);
    assert!(!history.undo());
}

#[test]
fn numbers_have_an_end() {
    let mut last = project();
    last.next = u64::MAX;
    let refused = last.validate().expect_err("no number is left").to_string();
    assert!(
        refused.contains("next") && refused.contains("lower"),
        "{refused}"
    );
    assert_eq!([last.fresh(), last.fresh()], [u64::MAX; 2]);
}

#[test]
fn numbers_are_never_given_twice() {
    let mut history = History::new(project());
    let mut fresh = 0;
    let mut add = |history: &mut History| {
        history
            .edit("Add", |p| {
                fresh = p.fresh();
                p.tracks[0]
                    .edit()
                    .strips
                    .push(Strip::new(StripId(fresh), 20.0, 2.0, Deed::Idle).into());
                Ok(())
            })
            .expect("added");
        fresh
    };
    let one = add(&mut history);
    assert!(history.undo());
    assert_ne!(add(&mut history), one);
}

/// A minute of twelve strips, four takes each, one of them edited.
pub fn minute() -> Project {
    let mut project = Project::default();
    let mut track = chois::project::Track {
        name: "Ann".into(),
        ..Default::default()
    };
    for i in 0..12 {
        let id = StripId(project.fresh());
        let mut strip = Strip::new(id, i as f32 * 5.0, 5.0, walk([i as f32 * 0.3, 0.0]));
        for k in 0..4 {
            strip.takes.push(
                Take {
                    id: TakeId(project.fresh()),
                    seed: k,
                    variations: Vec::new(),
                    verdict: if k == 0 {
                        Verdict::Accepted
                    } else {
                        Verdict::Kept
                    },
                    made: Some("0123456789abcdef".into()),
                    edits: vec![Edit::Warp {
                        keys: (0..20).map(|i| [i as f32 * 0.2; 2]).collect(),
                    }],
                }
                .into(),
            );
        }
        strip.shown = strip.takes.first().map(|t| t.id);
        track.strips.push(strip.into());
    }
    project.tracks.push(track.into());
    project
}

#[test]
fn two_hundred_steps_take_little_memory() {
    let project = minute();
    let all = strips(&project);
    let before = memory::held();
    let mut history = History::new(project);
    for i in 0..400 {
        history
            .edit("Seed", |p| {
                let strip = p.strip_mut(all[i % all.len()]).expect("a strip");
                strip.seed = i as u64 + 1;
                // Takes are edited too.
                let take = strip.takes[i % 4].edit();
                if let Edit::Warp { keys } = &mut take.edits[0] {
                    keys[19] = [3.8 + i as f32 * 1e-3; 2];
                }
                Ok(())
            })
            .expect("edited");
    }
    let bytes = memory::held() - before;
    assert_eq!(history.len(), [200, 0]);
    println!("200 steps of a 12-strip project: {bytes} bytes");
    assert!(bytes < 20_000_000, "{bytes}");
    // Whatever the measure, it sees a document that is copied whole.
    let copies: Vec<String> = (0..2).map(|_| format!("{:?}", history.project())).collect();
    assert!(memory::held() - before > bytes + copies[0].len() as isize);
}
