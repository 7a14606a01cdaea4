//! Keys, Blender's where it has them.

use bevy_egui::egui::{self, Key, Modifiers};
use chois::motion::FPS;
use chois::motion::lock::Part;

use super::{Panel, hands};
use crate::editor::scene::Tool;
use crate::editor::session::Editor;

/// Does what was pressed, unless words are being written.
pub fn read(context: &egui::Context, editor: &mut Editor, panel: &mut Panel) {
    let pressed = |modifiers: Modifiers, key: Key| {
        context.input_mut(|input| input.consume_key(modifiers, key))
    };
    if pressed(Modifiers::COMMAND, Key::S)
        && let Err(error) = editor.save(None)
    {
        editor.complain(&error);
    }
    // A field that is being written in has its own undo.
    if context.egui_wants_keyboard_input() {
        return;
    }
    // The one with more keys first: the other takes it as well.
    if pressed(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z) {
        editor.redo();
    }
    if pressed(Modifiers::COMMAND, Key::Z) {
        editor.undo();
    }
    if pressed(Modifiers::SHIFT, Key::D) {
        editor.duplicate_strip();
    }
    if (pressed(Modifiers::NONE, Key::X) || pressed(Modifiers::NONE, Key::Delete))
        && !hands::delete_picked(editor, panel)
        && !editor.delete_picked()
    {
        editor.delete_strip();
    }
    if pressed(Modifiers::NONE, Key::G) {
        editor.scene.tool = Tool::Move;
    }
    if pressed(Modifiers::NONE, Key::R) {
        editor.scene.tool = Tool::Turn;
    }
    if pressed(Modifiers::NONE, Key::K) {
        let object = editor.strip().and_then(|s| s.object());
        let mut parts = vec![Part::Body];
        parts.extend(object.map(|_| Part::Object));
        editor.lock(parts);
    }
    if pressed(Modifiers::NONE, Key::Home) {
        panel.view = [0.0; 2];
    }
    if pressed(Modifiers::NONE, Key::Space) {
        play(editor);
    }
    let end = editor.project().seconds();
    for (key, by, far) in [(Key::ArrowLeft, -1.0, 0.0), (Key::ArrowRight, 1.0, end)] {
        if pressed(Modifiers::SHIFT, key) {
            editor.playhead = far;
        }
        if pressed(Modifiers::NONE, key) {
            let frame = (editor.playhead * FPS).round() + by;
            editor.playhead = (frame / FPS).clamp(0.0, end);
            editor.playing = false;
        }
    }
}

/// Plays, from the beginning where it is at the end; or pauses.
pub fn play(editor: &mut Editor) {
    editor.playing = !editor.playing;
    if editor.playing && editor.playhead >= editor.project().seconds() {
        editor.playhead = 0.0;
    }
}
