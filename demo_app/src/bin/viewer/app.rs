//! The app, with a window or without.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bevy::app::PluginGroupBuilder;
use bevy::asset::UnapprovedPathMode;
use bevy::camera::RenderTarget;
use bevy::log::LogPlugin;
use bevy::prelude::*;
use bevy::render::RenderPlugin;
use bevy::render::pipelined_rendering::PipelinedRenderingPlugin;
use bevy::render::render_resource::TextureFormat;
use bevy::time::TimeUpdateStrategy;
use bevy::window::{ExitCondition, WindowResolution};
use bevy::winit::WinitPlugin;
use bevy_chois::ChoisPlugins;
use bevy_chois::editor::{EditorPlugin, EditorSystems};
use bevy_chois::synthesis::{Libtorch, SynthesisPlugin};
use bevy_egui::{EguiGlobalSettings, EguiPlugin, EguiPrimaryContextPass};
use bevy_panorbit_camera::{EguiFocusIncludesHover, PanOrbitCameraPlugin};
use chois::{Error, Result};

use crate::args::Args;
use crate::authoring;
use crate::cast::{self, Cast};
use crate::catalogue::Catalogue;
use crate::daylight::{self, Daylight};
use crate::ease::Ease;
use crate::eye::{self, Covered};
use crate::fall;
use crate::floor::{self, Marks};
use crate::journal::Journal;
use crate::making::{self, Making};
use crate::panel;
use crate::picture::Picture;
use crate::plans;
use crate::player::{self, Player};
use crate::room::{self, Room};
use crate::say::{self, Talk};
use crate::script::{self, Runner, Step};
use crate::shows::{self, Shows};
use crate::tells;
use crate::wishes::{Ask, Wishes};

/// Seconds of a frame where no screen sets the pace.
const FRAME: Duration = Duration::from_nanos(1_000_000_000 / 60);

/// The folder of assets.
#[derive(Resource, Clone, Debug)]
pub struct AssetFolder(pub PathBuf);

/// What the app is made of, read before anything is opened.
pub struct Parts {
    assets: PathBuf,
    /// The room.
    pub room: Room,
    /// What can be chosen.
    pub catalogue: Catalogue,
    /// The checkpoint's `config.json`, relative to the assets or in full.
    checkpoint: String,
}

impl Parts {
    /// Reads the room and looks for avatars and objects.
    ///
    /// # Errors
    /// Those of [`Room::read`] and [`Catalogue::scan`].
    pub fn read(args: &Args) -> Result<Self> {
        let shipped = chois_demo::assets::find("scenes/living_room.ron")?;
        let assets = shipped.ancestors().nth(2).unwrap_or(Path::new("."));
        let assets = assets.canonicalize().map_err(|source| Error::Read {
            path: assets.to_owned(),
            source,
        })?;
        Ok(Self {
            room: Room::read(args.room.as_ref().unwrap_or(&shipped), &assets)?,
            catalogue: Catalogue::scan(&assets, &args.avatar, &args.object)?,
            checkpoint: match &args.model {
                Some(folder) => own_checkpoint(folder)?,
                None => SynthesisPlugin::default().checkpoint,
            },
            assets,
        })
    }
}

/// The `config.json` of the user's own checkpoint, in full.
fn own_checkpoint(folder: &Path) -> Result<String> {
    let config = folder.join("config.json");
    let config = config.canonicalize().map_err(|_| Error::Missing {
        what: "the checkpoint",
        path: config,
        remedy: "name its folder, with config.json and model.safetensors, in --model",
    })?;
    Ok(config.to_string_lossy().into_owned())
}

/// The viewer in a window.
pub fn with_window(args: &Args, parts: Parts) -> App {
    let [width, height] = args.size.unwrap_or([1280, 760]);
    let window = WindowPlugin {
        primary_window: Some(Window {
            title: "CHOIS".into(),
            resolution: WindowResolution::new(width, height),
            ..default()
        }),
        ..default()
    };
    let mut app = App::new();
    app.add_plugins(engine(&parts.assets).set(window));
    common(&mut app, args, parts, None);
    app.add_systems(Update, floor::click.run_if(not(authoring::is_shown)));
    app
}

/// The viewer without a window, playing a script.
pub fn off_screen(
    args: &Args,
    parts: Parts,
    steps: Vec<Step>,
    folder: PathBuf,
    size: [u32; 2],
) -> App {
    let [width, height] = size;
    let window = WindowPlugin {
        // Nobody sees it, and nothing is drawn into it: where a script's mouse is.
        primary_window: Some(Window {
            resolution: WindowResolution::new(width, height).with_scale_factor_override(1.0),
            ..default()
        }),
        exit_condition: ExitCondition::DontExit,
        ..default()
    };
    let render = RenderPlugin {
        synchronous_pipeline_compilation: true,
        ..default()
    };
    let mut app = App::new();
    app.add_plugins(
        engine(&parts.assets)
            .set(window)
            .set(render)
            .disable::<WinitPlugin>()
            // One frame after the other: what is asked for in a frame is in its picture.
            .disable::<PipelinedRenderingPlugin>(),
    );
    app.insert_resource(TimeUpdateStrategy::ManualDuration(FRAME));
    let target = Image::new_target_texture(width, height, TextureFormat::Rgba8UnormSrgb, None);
    let target = app.world_mut().resource_mut::<Assets<Image>>().add(target);
    common(
        &mut app,
        args,
        parts,
        Some(RenderTarget::Image(target.clone().into())),
    );
    app.insert_resource(Player {
        looping: false,
        ..default()
    });
    app.insert_resource(Runner::new(steps, folder, target));
    app.add_systems(Update, script::run.before(cast::choose));
    app
}

fn engine(assets: &Path) -> PluginGroupBuilder {
    DefaultPlugins
        .set(AssetPlugin {
            file_path: assets.to_string_lossy().into_owned(),
            // The user's own avatars lie where they lie.
            unapproved_path_mode: UnapprovedPathMode::Allow,
            ..default()
        })
        .set(LogPlugin {
            filter: "warn,bevy_render::renderer=error,bevy_egui::render=error,viewer=info,bevy_chois=info,wgpu=error,naga=error".into(),
            ..default()
        })
}

fn common(app: &mut App, args: &Args, parts: Parts, target: Option<RenderTarget>) {
    let Parts {
        room,
        catalogue,
        checkpoint,
        assets,
    } = parts;
    let synthesis = SynthesisPlugin {
        checkpoint,
        loader: Arc::new(Libtorch {
            clip_weights: args.clip_weights.clone(),
            ..default()
        }),
        ..default()
    };
    app.add_plugins((
        EguiPlugin::default(),
        PanOrbitCameraPlugin,
        ChoisPlugins { synthesis },
        EditorPlugin {
            // What plays a script leaves nothing to go on with, and is offered nothing.
            drafts: (EditorPlugin::default().drafts).filter(|_| target.is_none()),
        },
    ));
    app.insert_resource(AssetFolder(assets));
    app.insert_resource(EguiGlobalSettings {
        auto_create_primary_context: false,
        ..default()
    });
    app.insert_resource(EguiFocusIncludesHover(true));
    app.insert_resource(ClearColor(Color::srgb(0.62, 0.70, 0.78)));
    app.insert_resource(room);
    app.insert_resource(catalogue);
    app.init_resource::<Cast>();
    app.init_resource::<Covered>();
    app.init_resource::<Daylight>();
    app.init_resource::<Ease>();
    app.init_resource::<Journal>();
    app.init_resource::<Making>();
    app.init_resource::<Marks>();
    app.init_resource::<Picture>();
    app.init_resource::<Player>();
    app.init_resource::<Shows>();
    app.init_resource::<Talk>();
    app.init_resource::<Wishes>();
    app.add_message::<Ask>();
    app.add_observer(cast::on_spawned);
    let spawn = move |mut commands: Commands,
                      room: Res<Room>,
                      catalogue: Res<Catalogue>,
                      assets: Res<AssetServer>,
                      mut images: ResMut<Assets<Image>>,
                      mut asks: MessageWriter<Ask>| {
        let sky = images.add(daylight::sky_cube(-*room.sunlight()));
        eye::spawn(&mut commands, target.clone(), room.camera.view(), sky);
        daylight::spawn(&mut commands, &room);
        room::spawn(&mut commands, &room, &assets);
        if let Some(avatar) = catalogue.avatars.first() {
            asks.write(Ask::Avatar(avatar.name.clone()));
        }
        let first = room.pieces.iter().find(|p| p.kind == room::Kind::Thing);
        if let Some(name) = first
            .map(|p| &p.name)
            .or(catalogue.objects.first().map(|e| &e.name))
        {
            asks.write(Ask::Object(name.clone()));
        }
    };
    app.add_systems(Startup, spawn);
    app.add_systems(
        Update,
        (
            cast::choose,
            cast::watch_loading,
            making::order.after(cast::choose),
            making::listen,
            tells::listen,
            (say::say.after(cast::choose), say::hear).chain(),
            (fall::let_go, fall::fall)
                .chain()
                .run_if(not(authoring::is_shown)),
            (
                authoring::toggle,
                (authoring::begin, authoring::cast, authoring::extras)
                    .chain()
                    .run_if(authoring::is_shown),
            )
                .chain()
                .after(cast::choose)
                .before(EditorSystems::Work)
                .before(floor::mark),
            player::apply,
            (floor::mark, shows::apply).chain().after(cast::choose),
            (shows::draw, shows::plan, plans::draw).after(cast::choose),
            (eye::fit, eye::hold),
            room::open_walls,
            daylight::trace,
        ),
    );
    app.add_systems(
        EguiPrimaryContextPass,
        (panel::draw, plans::label)
            .chain()
            .before(EditorSystems::Draw),
    );
}

/// Runs an app that has no window until its script is over; returns what was written.
///
/// # Errors
/// What went wrong, in a sentence.
pub fn play(mut app: App) -> std::result::Result<Vec<PathBuf>, String> {
    app.finish();
    app.cleanup();
    loop {
        app.update();
        let runner = app.world().resource::<Runner>();
        if let Some(ended) = &runner.ended {
            return ended.clone().map(|()| runner.written.clone());
        }
        if runner.is_idle() {
            // Others need the processor.
            std::thread::sleep(Duration::from_millis(4));
        }
    }
}
