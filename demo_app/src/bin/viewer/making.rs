//! Generating: the request, its progress, and the clip that comes of it.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use bevy::prelude::*;
use bevy_chois::clip::MotionClip;
use bevy_chois::contact::{ContactEvent, ContactOutcome, LetGo, ObjectPhysics};
use bevy_chois::frame;
use bevy_chois::object::ObjectShape;
use bevy_chois::playback::InteractionPlayer;
use bevy_chois::synthesis::{
    GenerationCancelled, GenerationFailed, GenerationFinished, GenerationProgress,
    InteractionOrder, ModelFailed, ModelReady, MotionSynthesizer,
};
use chois::clip::glb::{self, GlbOptions};
use chois::request::{GuidanceConfig, SamplingConfig};
use chois::{Error, Result};

use crate::cast::Cast;
use crate::journal::Journal;
use crate::player::Player;
use crate::wishes::{Ask, Wishes, sentence};

/// Who is nearer to the object than this begins where they stand, metres; others begin beside it.
const NEAR: f32 = 1.4;

/// What is being generated, and what was.
#[derive(Resource, Debug, Default)]
pub struct Making {
    /// Denoising steps done and to do, while it lasts. Zero to do means that they are not known yet.
    pub progress: Option<[usize; 2]>,
    /// The last clip.
    pub clip: Option<Handle<MotionClip>>,
    /// What is waited for: who it is for, and since when.
    order: Option<Order>,
}

#[derive(Debug)]
struct Order {
    clip: Handle<MotionClip>,
    avatar: Entity,
    object: Entity,
    /// Whether the person begins where they stand.
    stays: bool,
    since: Instant,
}

/// Gives orders, and calls them off.
pub fn order(
    mut commands: Commands,
    mut asks: MessageReader<Ask>,
    mut making: ResMut<Making>,
    mut synthesizer: MotionSynthesizer,
    mut journal: ResMut<Journal>,
    cast: Res<Cast>,
    wishes: Res<Wishes>,
    places: Query<&GlobalTransform>,
    shapes: Query<&ObjectShape>,
) {
    for ask in asks.read() {
        match ask {
            Ask::Generate if making.order.is_none() => {
                let (Some(avatar), Some(object)) = (cast.avatar, cast.object) else {
                    journal.bad("choose a person and an object first");
                    continue;
                };
                let near = match [avatar, object].map(|entity| places.get(entity)) {
                    [Ok(person), Ok(thing)] => {
                        // Its middle, where the shape is known.
                        let middle = shapes.get(object).map_or(Vec3::ZERO, ObjectShape::center);
                        let thing = thing.translation() + thing.rotation() * middle;
                        person.translation().xz().distance(thing.xz()) < NEAR
                    }
                    _ => false,
                };
                let physics = wishes.mass.map(ObjectPhysics::weighing);
                (commands.entity(object)).try_insert(physics.unwrap_or_default());
                let clip = synthesizer.generate(interaction(&wishes, &cast, avatar, object, near));
                making.progress = Some([0, 0]);
                making.order = Some(Order {
                    clip,
                    avatar,
                    object,
                    stays: near,
                    since: Instant::now(),
                });
            }
            Ask::Cancel => {
                if let Some(order) = &making.order {
                    synthesizer.cancel(&order.clip);
                }
            }
            _ => {}
        }
    }
}

/// What is wished, as the synthesizer takes it.
fn interaction(
    wishes: &Wishes,
    cast: &Cast,
    avatar: Entity,
    object: Entity,
    stays: bool,
) -> InteractionOrder {
    let text = match wishes.text.trim() {
        "" => sentence(&cast.object_name),
        text => text.to_owned(),
    };
    let floor = |at: &Vec2| Vec3::new(at.x, 0.0, at.y);
    let mut order = InteractionOrder::new(object, text)
        .seconds(wishes.seconds)
        .seed(wishes.seed)
        .sampling(SamplingConfig {
            steps: wishes.steps,
            ..default()
        })
        .guidance(if wishes.guidance {
            GuidanceConfig::default()
        } else {
            GuidanceConfig::off()
        })
        .alone();
    if stays {
        order = order.avatar(avatar);
    }
    if let Some((end, on_the_way)) = wishes.waypoints.split_last() {
        order = order
            .waypoints(on_the_way.iter().map(floor))
            .end(floor(end));
    }
    order
}

/// Hears what the worker tells.
pub fn listen(
    mut commands: Commands,
    mut making: ResMut<Making>,
    mut journal: ResMut<Journal>,
    player: Res<Player>,
    clips: Res<Assets<MotionClip>>,
    mut people: Query<&mut Transform>,
    mut progress: MessageReader<GenerationProgress>,
    mut finished: MessageReader<GenerationFinished>,
    mut failed: MessageReader<GenerationFailed>,
    mut cancelled: MessageReader<GenerationCancelled>,
    (mut ready, mut lost): (MessageReader<ModelReady>, MessageReader<ModelFailed>),
) {
    for model in ready.read() {
        journal.note(format!("the model {} is ready", model.name));
    }
    for model in lost.read() {
        journal.bad(&model.reason);
    }
    let Some(order) = &making.order else {
        return;
    };
    let id = order.clip.id();
    let mut now = None;
    for step in progress.read().filter(|step| step.order.clip == id) {
        now = Some([step.done, step.total]);
    }
    let mut over = false;
    for end in failed.read().filter(|end| end.order.clip == id) {
        journal.bad(&end.reason);
        over = true;
    }
    for end in cancelled.read().filter(|end| end.order.clip == id) {
        journal.good(format!("no clip: {}", end.reason));
        over = true;
    }
    let mut made = None;
    for end in finished.read().filter(|end| end.order.clip == id) {
        let seconds = order.since.elapsed().as_secs_f32();
        let clip = clips.get(&end.clip).map(|clip| &clip.motion);
        let length = clip.map_or(0.0, |clip| clip.seconds());
        journal.good(format!("{length:.1} s of motion in {seconds:.1} s"));
        tell(&end.contact, &mut journal);
        if !order.stays
            && let Some(clip) = clip
            && let Ok(mut place) = people.get_mut(order.avatar)
        {
            *place = beginning(clip, end.origin, place.scale);
        }
        let mut interaction = InteractionPlayer::new(end.clip.clone())
            .with_object(order.object)
            .with_origin(end.origin);
        (interaction.speed, interaction.looping) = (player.speed, player.looping);
        if let Ok(mut avatar) = commands.get_entity(order.avatar) {
            avatar.insert(interaction);
        }
        made = Some(end.clip.clone());
        over = true;
    }
    if now.is_some() {
        making.progress = now;
    }
    if made.is_some() {
        making.clip = made;
    }
    if over {
        (making.progress, making.order) = (None, None);
    }
}

/// What of contact did not go as the clip has it.
fn tell(contact: &ContactOutcome, journal: &mut Journal) {
    if let ContactOutcome::Failed(reason) = contact {
        journal.bad(format!("contact: {reason}"));
    }
    for event in contact.events() {
        let planned = matches!(
            event,
            ContactEvent::Held { .. }
                | ContactEvent::Released {
                    reason: LetGo::Planned,
                    ..
                }
        );
        if !planned {
            journal.note(event.to_string());
        }
    }
}

/// Where a clip's person begins: feet and direction.
fn beginning(clip: &chois::MotionClip, origin: Isometry3d, scale: Vec3) -> Transform {
    let Some(first) = clip.frames.first() else {
        return Transform::default();
    };
    let at = origin * frame::vec3(first.pose.root);
    // The model's people look along the z of their pelvis, which is Bevy's y.
    let ahead = origin.rotation * frame::quat(first.pose.rotations[0]) * Vec3::Y;
    Transform::from_xyz(at.x, 0.0, at.z)
        .with_rotation(Quat::from_rotation_y(ahead.x.atan2(ahead.z)))
        .with_scale(scale)
}

/// The last clip.
pub fn clip(world: &World) -> Option<Arc<chois::MotionClip>> {
    let clip = world.resource::<Making>().clip.as_ref()?;
    let clip = world.resource::<Assets<MotionClip>>().get(clip)?;
    Some(clip.motion.clone())
}

/// Writes the last clip, with the chosen object, as a `.glb`.
///
/// # Errors
/// [`Error::Invalid`] where there is none; those of [`glb::write`].
pub fn save(world: &World, path: &Path) -> Result<()> {
    let clip = clip(world).ok_or_else(|| Error::invalid("clip", "there is none; generate one"))?;
    let object = world.resource::<Cast>().object;
    let shape = object.and_then(|object| world.get::<ObjectShape>(object));
    // The clip moves the object by its own origin; the shape is kept about its centre.
    let mesh = shape.map(|shape| {
        let mut mesh = shape.geometry.mesh().clone();
        let center = shape.geometry.center();
        mesh.vertices.iter_mut().for_each(|v| *v += center);
        mesh
    });
    glb::write(path, &clip, mesh.as_ref(), &GlbOptions::default())
}
