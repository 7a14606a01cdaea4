//! Playback: clips on avatars and objects, and what happens meanwhile.
//!
//! Insert an [`InteractionPlayer`] on an avatar and it plays: at once when its clip is loaded and known on this rig, else as
//! soon as it is (a clip that is still being generated is simply waited for; [`InteractionState`] says for what). It
//! begins in the pose in which avatar and object stand and goes over into the clip without a jump. Change
//! [`InteractionPlayer::time`] to seek; remove the component to stop. What happens is told by the messages and entity
//! events in [`events`].
//!
//! ## Who writes what, and when
//! In `PostUpdate`, after Bevy's `AnimationSystems` and before transforms are propagated ([`PlaybackSystems`]):
//! - the local transforms of the bones that the clip moves, and of those between them and the avatar's root, whatever
//!   else wrote them before. [`InteractionPlayer::weight`] below 1 leaves the rest to what was written before, such as an
//!   `AnimationPlayer`; parts of the body that are not among [`InteractionPlayer::parts`] are not written.
//! - the transform of the avatar's entity, its scale excepted, from start to finish.
//! - the transform of the object's entity, its scale excepted, for as long as it carries [`HeldBy`]: from the start
//!   until the last touch has ended and it stands still. Then it is the game's. A game's physics make the body
//!   kinematic while it carries [`HeldBy`] and take the velocity of [`ObjectReleased`](events::ObjectReleased) after
//!   (the example `own_physics`).
//!
//! With [`InteractionPlayer::live`] the object is under physics meanwhile ([`LivePhysics`]): it can be struck, meets
//! [`ContactObstacle`](crate::contact::ContactObstacle)s, and may be taken away by whoever writes its transform.
//!
//! After the end the last pose is held (the bones only) until the component is removed or asked for more. An
//! interaction that is interrupted slows down for a quarter of a second and leaves the pose as it is.

pub mod events;
mod hold;
mod live;
mod parts;
mod play;
mod player;
mod plugin;
mod prepare;
mod write;

use std::sync::Arc;

use bevy::asset::Handle;
use bevy::ecs::component::Component;
use bevy::ecs::entity::Entity;
use bevy::math::{Isometry3d, Vec3};
use chois::geometry::SdfGrid;

use crate::clip::MotionClip;
use crate::contact::Grip;

pub use parts::BodyParts;
pub use plugin::{PlaybackPlugin, PlaybackSystems};

/// A clip that an avatar plays, with the object it moves. Insert it on the avatar; remove it to stop. Inserting another
/// one replaces it, going over from the pose and speed of the moment.
#[derive(Component, Clone, Debug)]
#[require(InteractionState, player::Player)]
pub struct InteractionPlayer {
    /// What is played.
    pub clip: Handle<MotionClip>,
    /// The [`Interactable`](crate::object::Interactable) that the clip moves; without it the person moves alone.
    pub object: Option<Entity>,
    /// Where the clip's world stands in the game's, metres.
    pub origin: Isometry3d,
    /// Seconds since the clip's first frame. Playing moves it (without marking the component as changed); any other
    /// change is a seek: the exact pose of that time, at once. Times outside the clip go to its ends.
    pub time: f32,
    /// 1 is the clip's own speed; negative goes backwards, 0 stands still, and so does what is not a number.
    pub speed: f32,
    /// Whether time stands still.
    pub paused: bool,
    /// Whether it begins again when it ends: the pose goes over smoothly, and so do avatar and object when they are
    /// not more than 0.25 m away; from further they are put back to the beginning at once.
    pub looping: bool,
    /// Seconds in which the pose of the moment goes over into the clip. A far pose takes longer, so that nothing
    /// moves faster than people do; 0 is a cut.
    pub blend_in: f32,
    /// How much of the clip the bones show, 0 to 1; the rest is what was written before, such as a game's animation.
    /// The avatar's root and the object are not weighted.
    pub weight: f32,
    /// Which parts of the body the clip moves. The others are not written at all.
    pub parts: BodyParts,
    /// Whether the object is under physics while the clip plays; the clip's own path otherwise.
    pub live: Option<LivePhysics>,
    /// Blows that the object gets in the next frame while it is under physics: impulse, newton seconds, and the point that
    /// it hits, metres, both in the world.
    pub strikes: Vec<(Vec3, Vec3)>,
}

impl InteractionPlayer {
    /// Plays a clip once, from its beginning, in the world's own frame.
    pub fn new(clip: Handle<MotionClip>) -> Self {
        Self {
            clip,
            object: None,
            origin: Isometry3d::IDENTITY,
            time: 0.0,
            speed: 1.0,
            paused: false,
            looping: false,
            blend_in: 0.4,
            weight: 1.0,
            parts: BodyParts::ALL,
            live: None,
            strikes: Vec::new(),
        }
    }

    /// Sets the object that moves.
    #[must_use]
    pub fn with_object(mut self, object: Entity) -> Self {
        self.object = Some(object);
        self
    }

    /// Sets where the clip's world stands.
    #[must_use]
    pub fn with_origin(mut self, origin: Isometry3d) -> Self {
        self.origin = origin;
        self
    }

    /// Sets where it begins, seconds since the clip's first frame.
    #[must_use]
    pub fn starting_at(mut self, seconds: f32) -> Self {
        self.time = seconds;
        self
    }

    /// Sets the speed.
    #[must_use]
    pub fn with_speed(mut self, speed: f32) -> Self {
        self.speed = speed;
        self
    }

    /// Begins again when it ends.
    #[must_use]
    pub fn looped(mut self) -> Self {
        self.looping = true;
        self
    }

    /// Sets the seconds in which the pose of the moment goes over into the clip.
    #[must_use]
    pub fn with_blend_in(mut self, seconds: f32) -> Self {
        self.blend_in = seconds;
        self
    }

    /// Sets how much of the clip the bones show.
    #[must_use]
    pub fn with_weight(mut self, weight: f32) -> Self {
        self.weight = weight;
        self
    }

    /// Sets which parts of the body the clip moves.
    #[must_use]
    pub fn with_parts(mut self, parts: BodyParts) -> Self {
        self.parts = parts;
        self
    }

    /// Has the object be under physics while the clip plays.
    #[must_use]
    pub fn live(mut self, physics: LivePhysics) -> Self {
        self.live = Some(physics);
        self
    }

    /// Strikes the object while it is under physics: an impulse (newton seconds) at a point (metres), both in the world.
    pub fn strike(&mut self, impulse: Vec3, point: Vec3) -> &mut Self {
        self.strikes.push((impulse, point));
        self
    }

    /// Lets time run.
    pub fn play(&mut self) -> &mut Self {
        self.paused = false;
        self
    }

    /// Lets time stand still.
    pub fn pause(&mut self) -> &mut Self {
        self.paused = true;
        self
    }

    /// Goes to a time, seconds since the clip's first frame.
    pub fn seek(&mut self, seconds: f32) -> &mut Self {
        self.time = seconds;
        self
    }

    /// Where the clip's world stands in the game's so that its object, at the clip's first frame, stands where it
    /// does in the game: turned about the vertical and moved over the floor only.
    #[must_use]
    pub fn origin_at(clip: &chois::motion::MotionClip, object: Isometry3d) -> Isometry3d {
        let Some(first) = clip.frames.first() else {
            return Isometry3d::IDENTITY;
        };
        let there = crate::frame::isometry(first.object_position, first.object_rotation);
        let turn = object.rotation * there.rotation.inverse();
        // What of the turn is about the vertical.
        let twist = bevy::math::Quat::from_xyzw(0.0, turn.y, 0.0, turn.w);
        let rotation = if twist.length_squared() > 1e-6 {
            twist.normalize()
        } else {
            bevy::math::Quat::IDENTITY
        };
        let mut shift = object.translation
            - bevy::math::Vec3A::from(rotation * bevy::math::Vec3::from(there.translation));
        shift.y = 0.0;
        Isometry3d::new(shift, rotation)
    }
}

/// Live contact: the object of an interaction under physics while the clip plays, in steps of a sixtieth of a second behind
/// the player's time. It is prepared in the background (about 0.1 s) while the clip plays as it is; after a seek again. What
/// is shown is the clip on the rig (feet planted, fingers closed, parts and weight as given) and what physics changes of it.
/// Hands that lose the object let go ([`events::HandLetGo`]). When something else moves the object's transform, the hands let
/// go and the object is the game's; the person plays on. Runs backwards as the clip is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LivePhysics {
    /// What a hand can do.
    pub grip: Grip,
    /// Distance to what stands about, which arms keep out of: a grid in the clip's frame, as for
    /// [`InteractionOrder::scene`](crate::synthesis::InteractionOrder::scene).
    pub scene: Option<Arc<SdfGrid>>,
}

/// How far an [`InteractionPlayer`] is. Read only.
#[derive(Component, Clone, Copy, Debug, PartialEq, Eq)]
pub enum InteractionState {
    /// It will start when this is there.
    Waiting(WaitingFor),
    /// It plays (or is paused).
    Playing,
    /// It came to its end; the last pose is held.
    Finished,
    /// It was interrupted (see [`events::InteractionInterrupted`]) and does not go on. Insert another one.
    Interrupted,
}

impl Default for InteractionState {
    fn default() -> Self {
        Self::Waiting(WaitingFor::Clip)
    }
}

/// What an [`InteractionPlayer`] waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitingFor {
    /// The clip: it is being loaded or generated.
    Clip,
    /// The avatar's bones: its scene is being loaded, or it has none that could be used.
    Rig,
    /// The object's shape: its scene is being loaded.
    Object,
    /// The clip on the avatar's bones: a task works on it.
    Retargeting,
    /// The next frame.
    Start,
}

/// On an object while a clip drives its transform. Removing it takes the object out of the avatar's hands: the
/// interaction is interrupted (with [`LivePhysics`] the hands let go, and the
/// person plays on).
#[derive(Component, Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldBy {
    /// The avatar.
    pub avatar: Entity,
}
