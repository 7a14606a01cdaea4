//! The plugin.

use std::path::Path;

use bevy::app::{App, Plugin, PostUpdate, Update};
use bevy::asset::Assets;
use bevy::ecs::prelude::*;
use bevy::log::error;
use bevy::prelude::Result;
use bevy_egui::{EguiContexts, EguiPlugin, EguiPrimaryContextPass};
use chois::clip::bvh;
use chois::clip::glb::GlbOptions;
use chois::project::{Verdict, sequence};

use super::session::{Ask, Editor};
use super::stage::{self, Shown};
use super::work::{self, Measuring, Work};
use super::{Panel, draw_panel};
use crate::clip::MotionClip;
use crate::playback::PlaybackSystems;

/// The authoring panel. Add bevy_egui's `EguiPlugin` too: a library does not.
#[derive(Clone, Copy, Debug, Default)]
pub struct EditorPlugin;

/// What the editor does in a frame.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EditorSystems {
    /// Asks are taken up and takes come in, in `Update`.
    Work,
    /// Persons and objects are brought to the playhead, in `PostUpdate` before clips are played.
    Show,
    /// The panel is drawn, in `EguiPrimaryContextPass`.
    Draw,
}

impl Plugin for EditorPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<Editor>()
            .init_resource::<Panel>()
            .init_resource::<Shown>()
            .init_resource::<Work>()
            .init_resource::<Measuring>()
            .add_systems(
                Update,
                (
                    work::generate
                        .run_if(crate::synthesis::synthesis_is_there)
                        .run_if(resource_exists::<Assets<MotionClip>>),
                    work::measure,
                    export,
                    autosave,
                )
                    .chain()
                    .in_set(EditorSystems::Work),
            )
            .add_systems(
                PostUpdate,
                (stage::run_time, stage::show)
                    .chain()
                    .run_if(resource_exists::<Assets<MotionClip>>)
                    .in_set(EditorSystems::Show)
                    .before(PlaybackSystems::Prepare),
            );
    }

    fn finish(&self, app: &mut App) {
        if !app.is_plugin_added::<EguiPlugin>() {
            error!(
                "EditorPlugin draws its panel with bevy_egui, and EguiPlugin is not there: add \
                 `bevy_egui::EguiPlugin::default()` to the app; until then the editor works without a panel"
            );
            return;
        }
        app.add_systems(EguiPrimaryContextPass, draw.in_set(EditorSystems::Draw));
    }
}

fn draw(
    mut contexts: EguiContexts,
    mut editor: ResMut<Editor>,
    mut panel: ResMut<Panel>,
) -> Result {
    let context = contexts.ctx_mut()?.clone();
    draw_panel(&context, &mut editor, &mut panel);
    Ok(())
}

fn autosave(mut editor: ResMut<Editor>) {
    editor.bypass_change_detection().autosave();
}

/// Writes files when asked to.
fn export(mut editor: ResMut<Editor>) {
    if editor.asks.is_empty() {
        return;
    }
    let asks: Vec<Ask> = editor
        .asks
        .extract_if(.., |ask| matches!(ask, Ask::Export { .. }))
        .collect();
    for ask in asks {
        if let Ask::Export { folder, takes } = ask {
            match write(&editor, &folder, takes) {
                Ok(count) => editor.say(format!("wrote {count} files into {}", folder.display())),
                Err(error) => editor.complain(&error),
            }
        }
    }
}

fn write(editor: &Editor, folder: &Path, takes: bool) -> chois::Result<usize> {
    let (project, library) = (editor.project(), editor.library());
    let mut count = 0;
    for (k, track) in project.tracks.iter().enumerate() {
        let name = format!(
            "{}-{}",
            k + 1,
            track.name.replace(|c: char| !c.is_alphanumeric(), "_")
        );
        let sequence = sequence::track(project, library, k)?;
        sequence.write_glb(&folder.join(format!("{name}.glb")), &GlbOptions::default())?;
        bvh::write(&folder.join(format!("{name}.bvh")), &sequence.clip)?;
        count += 2;
        for strip in track.strips.iter().filter(|_| takes) {
            for take in strip
                .takes
                .iter()
                .filter(|t| t.verdict != Verdict::Discarded)
            {
                let Some(clip) = library.clip(take.id) else {
                    continue;
                };
                let name = format!("{name}-strip{}-take{}", strip.id.0, take.id.0);
                let path = folder.join(format!("{name}.glb"));
                sequence::write_take(project, library, strip.id, &clip, &path)?;
                bvh::write(&folder.join(format!("{name}.bvh")), &clip)?;
                count += 2;
            }
        }
    }
    Ok(count)
}
