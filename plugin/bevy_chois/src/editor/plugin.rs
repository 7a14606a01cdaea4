//! The plugin.

use std::path::PathBuf;

use bevy::app::{App, Plugin, PostUpdate, Update};
use bevy::asset::Assets;
use bevy::ecs::prelude::*;
use bevy::image::Image;
use bevy::log::error;
use bevy::prelude::Result;
use bevy_egui::{EguiContexts, EguiPlugin, EguiPrimaryContextPass};

use super::export::{Exporting, export};
use super::film::{self, Filming};
use super::scene;
use super::session::Editor;
use super::stage::{self, Shown};
use super::work::{self, Holding, Measuring, Work};
use super::{Panel, draw_panel};
use crate::clip::MotionClip;
use crate::playback::PlaybackSystems;

/// The authoring panel. Add bevy_egui's `EguiPlugin` too: a library does not.
#[derive(Clone, Debug)]
pub struct EditorPlugin {
    /// The folder in which documents that were never saved save themselves, to be offered when a program ended before; none
    /// where they are not kept. By default `drafts` in the user's data: `$XDG_DATA_HOME/bevy_chois`,
    /// `~/.local/share/bevy_chois`, or `%LOCALAPPDATA%\\bevy_chois`.
    pub drafts: Option<PathBuf>,
}

impl Default for EditorPlugin {
    fn default() -> Self {
        let folder = |name: &str| {
            let value = std::env::var_os(name).filter(|v| !v.is_empty());
            value.map(PathBuf::from).filter(|p| p.is_absolute())
        };
        let data = folder("XDG_DATA_HOME")
            .or_else(|| folder("LOCALAPPDATA"))
            .or_else(|| folder("HOME").map(|home| home.join(".local/share")));
        Self {
            drafts: data.map(|data| data.join("bevy_chois/drafts")),
        }
    }
}

/// What the editor does in a frame.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EditorSystems {
    /// Asks are taken up and takes come in, in `Update`.
    Work,
    /// Persons and objects are brought to the playhead, in `PostUpdate` before clips are played.
    Show,
    /// The pointer takes handles of the scene, in `Update` after [`Self::Work`].
    Handle,
    /// Handles are painted, in `EguiPrimaryContextPass` before [`Self::Draw`].
    Paint,
    /// The panel is drawn, in `EguiPrimaryContextPass`.
    Draw,
}

impl Plugin for EditorPlugin {
    fn build(&self, app: &mut App) {
        let mut editor = app.world_mut().get_resource_or_init::<Editor>();
        editor.drafts.clone_from(&self.drafts);
        editor.look_for_drafts();
        app.init_resource::<Panel>()
            .init_resource::<Shown>()
            .init_resource::<Work>()
            .init_resource::<Holding>()
            .init_resource::<Measuring>()
            .init_resource::<Exporting>()
            .init_resource::<Filming>()
            .add_systems(
                Update,
                (
                    work::generate
                        .run_if(crate::synthesis::synthesis_is_there)
                        .run_if(resource_exists::<Assets<MotionClip>>),
                    work::refuse.run_if(not(crate::synthesis::synthesis_is_there)),
                    work::hold,
                    work::measure,
                    export,
                    film::film.run_if(resource_exists::<Assets<Image>>),
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
        scene::build(app);
    }

    fn finish(&self, app: &mut App) {
        scene::finish(app);
        if !app.is_plugin_added::<EguiPlugin>() {
            error!(
                "EditorPlugin draws its panel with bevy_egui, and EguiPlugin is not there: add \
                 `bevy_egui::EguiPlugin::default()` to the app; until then the editor works without a panel"
            );
            return;
        }
        app.add_systems(EguiPrimaryContextPass, draw.in_set(EditorSystems::Draw));
        scene::build_panel(app);
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
