//! Several documents, what was not saved before a crash, what is missing.

use std::path::Path;

use bevy::prelude::App;
use bevy_chois::editor::{Ask, Editor, Tone};
use bevy_chois_tests::{carry, tick_times, tick_until};
use chois::project::export::Format;
use chois::project::generate::Which;
use chois::project::{History, Lost, Project, file};
use chois::request::PersonPlace;

use crate::{PATIENCE, app_with, begin, editor, strips, wait};

#[test]
fn documents_stand_beside_each_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = carry::project(folder.path());
    let mut editor = Editor::default();
    editor.open(&path).expect("opened");
    editor.selected = strips(&editor).first().copied();
    assert!(editor.change_strip("seed", "Seed", |s| s.seed = 5));
    editor.settle();
    editor.new_document();
    assert!(editor.project().tracks.is_empty() && editor.path().is_none());
    assert!(editor.add_track("Bo", PersonPlace::default()));
    let names = |editor: &Editor| -> Vec<(String, bool, bool)> {
        let tabs = editor.tabs().into_iter();
        tabs.map(|t| (t.name, t.unsaved, t.shown)).collect()
    };
    let both = [
        ("carry".to_owned(), true, false),
        ("not saved".to_owned(), true, true),
    ];
    assert_eq!(names(&editor), both);
    // What is open is shown, not opened twice; nothing of it was lost.
    editor.open_beside(&path).expect("shown");
    assert_eq!(editor.strip().expect("a strip").seed, 5);
    assert_eq!(editor.tabs().len(), 2);
    editor.undo();
    assert_eq!(editor.strip().expect("a strip").seed, 0);
    editor.show_document(1);
    assert_eq!(editor.project().tracks[0].name, "Bo");
    // A broken file leaves everything as it was.
    let broken = folder.path().join("broken.chois.ron");
    std::fs::write(&broken, "(version: 99)").expect("written");
    let error = editor.open_beside(&broken).expect_err("newer").to_string();
    assert!(error.contains("newer program"), "{error}");
    assert_eq!(editor.tabs().len(), 2);
    assert!(editor.close_document(false).is_err());
    editor.close_document(true).expect("closed");
    assert_eq!(editor.project().tracks[0].name, "Ann");
    assert_eq!(editor.tabs().len(), 1);
}

#[test]
fn what_was_not_saved_before_a_crash_is_offered() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = carry::project(folder.path());
    // As a program leaves it that ends after it saved by itself.
    let crash = || {
        let (project, mut library, _) = file::open(&path).expect("opened");
        let mut history = History::new(project);
        let seed = |p: &mut Project| {
            let id = p.strips()[0].1.id;
            p.strip_mut(id).expect("a strip").seed = 77;
            Ok(())
        };
        history.edit("Seed", seed).expect("edited");
        file::autosave(&history, &mut library, &path).expect("saved by itself")
    };
    let auto = crash();
    let seed = |editor: &Editor| editor.project().strips()[0].1.seed;
    let mut editor = Editor::default();
    editor.open(&path).expect("opened");
    assert_eq!(editor.offer(), Some(&*auto));
    assert_eq!(seed(&editor), 0, "nothing is taken unasked");
    editor.take_offer().expect("taken");
    assert_eq!(seed(&editor), 77);
    assert!(editor.is_unsaved() && editor.offer().is_none());
    assert_eq!(editor.path(), Some(&*path));
    assert_eq!(editor.missing, [], "its takes are there");
    editor.save(None).expect("saved");
    assert!(!auto.exists());
    editor.open(&path).expect("opened");
    assert_eq!((seed(&editor), editor.offer()), (77, None));
    let auto = crash();
    editor.open(&path).expect("opened");
    editor.refuse_offer().expect("left");
    assert!(!auto.exists() && seed(&editor) == 77);
}

#[test]
fn what_is_missing_is_relinked() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = carry::project(folder.path());
    let elsewhere = folder.path().join("things");
    std::fs::create_dir(&elsewhere).expect("a folder");
    std::fs::rename(folder.path().join("box.obj"), elsewhere.join("crate.obj")).expect("moved");
    let mut editor = Editor::default();
    editor.open(&path).expect("it opens all the same");
    assert_eq!(editor.missing.len(), 1);
    let Lost::Object(id) = editor.missing[0].what else {
        panic!("{:?}", editor.missing);
    };
    assert!(
        editor
            .library()
            .thing(id)
            .expect("a box stands for it")
            .placeholder
    );
    let error = editor.relink(Lost::Object(id), Path::new("nowhere.obj"));
    assert!(
        error
            .expect_err("no file")
            .to_string()
            .contains("nowhere.obj")
    );
    editor
        .relink(Lost::Object(id), Path::new("things/crate.obj"))
        .expect("relinked");
    assert_eq!(editor.missing, []);
    assert!(!editor.library().thing(id).expect("a thing").placeholder);
    editor.undo();
    assert_eq!(editor.missing.len(), 1, "relinking can be undone");
}

/// A program in which nothing was changed for a while.
fn program(drafts: &Path) -> App {
    let mut app = app_with(Some(drafts.to_owned()));
    editor(&mut app).autosave_after = std::time::Duration::ZERO;
    tick_times(&mut app, 1);
    app
}

fn files(folder: &Path) -> usize {
    std::fs::read_dir(folder).map_or(0, Iterator::count)
}

#[test]
fn a_document_that_was_never_saved_is_offered_after_a_crash() {
    let folder = tempfile::tempdir().expect("a folder");
    let drafts = folder.path().join("drafts");
    let mut first = program(&drafts);
    begin(&mut editor(&mut first));
    editor(&mut first).variations = 1;
    editor(&mut first).asks.push(Ask::Generate(Which::Stale));
    wait(&mut first);
    tick_times(&mut first, 2);
    let was = editor(&mut first).project().clone();
    let takes = was
        .strips()
        .iter()
        .map(|(_, s)| s.takes.len())
        .sum::<usize>();
    assert_eq!(takes, 2);
    // Document, takes and what holds it.
    assert_eq!(files(&drafts), 3);
    // As long as the program runs it is its own.
    assert_eq!(editor(&mut program(&drafts)).offer(), None);
    drop(first);

    let mut second = program(&drafts);
    {
        let mut now = editor(&mut second);
        assert!(now.offers_draft() && now.offer().is_some());
        assert!(now.project().tracks.is_empty(), "nothing is taken unasked");
        now.take_offer().expect("taken");
        assert_eq!(now.project().strips(), was.strips());
        assert_eq!(now.missing, [], "its takes and things are there");
        assert!(now.is_unsaved() && now.path().is_none() && now.offer().is_none());
    }
    // It goes on saving itself where it did.
    editor(&mut second).add_track("Bo", PersonPlace::default());
    tick_times(&mut second, 2);
    assert_eq!(files(&drafts), 3);
    assert_eq!(editor(&mut program(&drafts)).offer(), None);
    drop(second);

    let mut third = program(&drafts);
    editor(&mut third).take_offer().expect("taken");
    assert_eq!(editor(&mut third).project().tracks.len(), 2);
    // Saved, it has a file of its own, with its takes beside it.
    let path = folder.path().join("kept.chois.ron");
    editor(&mut third).save(Some(&path)).expect("saved");
    assert_eq!(files(&drafts), 0);
    let (project, _, missing) = file::open(&path).expect("opened");
    assert_eq!(
        (project.strips(), missing),
        (editor(&mut third).project().strips(), Vec::new())
    );

    // One that is not wanted is deleted.
    let mut fourth = program(&drafts);
    assert_eq!(editor(&mut fourth).offer(), None);
    begin(&mut editor(&mut fourth));
    tick_times(&mut fourth, 2);
    drop(fourth);
    let mut fifth = program(&drafts);
    editor(&mut fifth).refuse_offer().expect("deleted");
    assert_eq!((editor(&mut fifth).offer(), files(&drafts)), (None, 0));
    // Nor is anything left of one that is closed unsaved, or of a folder that is none.
    begin(&mut editor(&mut fifth));
    tick_times(&mut fifth, 2);
    assert!(files(&drafts) > 0);
    editor(&mut fifth).close_document(true).expect("closed");
    assert_eq!(files(&drafts), 0);
}

#[test]
fn where_drafts_cannot_be_written_it_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("no folder");
    std::fs::write(&file, "").expect("written");
    let mut app = program(&file);
    begin(&mut editor(&mut app));
    tick_times(&mut app, 2);
    let editor = editor(&mut app);
    let (line, tone) = editor.status();
    assert_eq!(tone, Tone::Bad, "{line}");
    assert!(line.contains("no folder"), "{line}");
}

#[test]
fn an_export_ends_after_another_document_was_opened() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = carry::project(folder.path());
    let mut app = app_with(None);
    editor(&mut app).open(&path).expect("opened");
    wait(&mut app);
    let export = |name: &str| Ask::Export {
        folder: folder.path().join(name),
        takes: false,
        fps: 30.0,
        formats: vec![Format::Bvh],
    };
    // One that is asked for while another is written is written too, and both are of the document that was shown then.
    editor(&mut app).asks.push(export("first"));
    editor(&mut app).asks.push(export("second"));
    tick_times(&mut app, 1);
    editor(&mut app).new_document();
    wait(&mut app);
    for name in ["first", "second"] {
        assert_eq!(files(&folder.path().join(name)), 1, "{name}");
    }
    editor(&mut app).open(&path).expect("opened");
    // Nothing else is asked for.
    editor(&mut app).asks.push(export("third"));
    tick_times(&mut app, 1);
    editor(&mut app).new_document();
    let told = tick_until(&mut app, PATIENCE, |world| {
        let (line, _) = world.resource::<Editor>().status();
        line.starts_with("wrote 1 files") && line.ends_with("third")
    });
    assert!(told, "{:?}", editor(&mut app).status());
    assert_eq!(editor(&mut app).exports, 0);
}

#[test]
fn what_is_put_aside_saves_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let drafts = folder.path().join("drafts");
    let mut editor = Editor::default();
    begin(&mut editor);
    editor.drafts = Some(drafts.clone());
    editor.new_document();
    assert!(files(&drafts) > 0, "{:?}", editor.status());
    // Nothing is left of one that is closed.
    editor.show_document(0);
    editor.close_document(true).expect("closed");
    assert_eq!(files(&drafts), 0);

    // Beside its file, where it has one.
    let path = carry::project(folder.path());
    let auto = file::autosave_path(&path).expect("a path");
    let seed = |editor: &mut Editor, seed: u64| {
        editor.selected = strips(editor).first().copied();
        assert!(editor.change_strip("seed", "Seed", |s| s.seed = seed));
        editor.settle();
    };
    editor.open_beside(&path).expect("opened");
    seed(&mut editor, 5);
    editor.show_document(0);
    let saved = file::read_project(&auto).expect("it saved itself");
    assert_eq!(saved.strips()[0].1.seed, 5);
    // Not over what was saved so before and is offered.
    let mut other = Editor::default();
    other.open(&path).expect("opened");
    assert_eq!(other.offer(), Some(&*auto));
    seed(&mut other, 6);
    other.new_document();
    let kept = file::read_project(&auto).expect("it is there");
    assert_eq!(kept.strips()[0].1.seed, 5);

    // The program ends with the document in the background.
    begin(&mut editor);
    let was = editor.project().clone();
    editor.new_document();
    drop(editor);
    let mut next = Editor::default();
    next.drafts = Some(drafts);
    next.look_for_drafts();
    next.take_offer().expect("taken");
    assert_eq!(next.project().strips(), was.strips());
}
