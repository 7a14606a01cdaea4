//! What playback keeps of an avatar from frame to frame, and the mathematics of going over from pose to pose.

use std::sync::Arc;

use bevy::asset::AssetId;
use bevy::ecs::component::Component;
use bevy::ecs::entity::Entity;
use bevy::math::{Isometry3d, Quat, Vec3};
use bevy::transform::components::Transform;
use chois::motion::inertia;
use chois::motion::spline::Tap;

use super::events::InterruptReason;
use super::hold::Take;
use super::live::Live;
use super::parts::{BodyParts, part_of};
use crate::clip::bake::BakeJob;
use crate::clip::{MotionClip, RiggedClip};

/// Bones take up no more speed than this share of the clip's own peak in a sixtieth of a second.
const JUMP: f32 = 0.08 / (1.0 / 60.0);
/// Bones of a clip that hardly moves may be accelerated by so much nevertheless, radians per second squared.
const GENTLE_TURN: f32 = 6.0;
/// Avatar and object are accelerated by no more than this, metres per second squared.
const PUSH: f32 = 4.0;
/// No pose takes longer than this to be gone over from, seconds.
const LONGEST: f32 = 1.5;
/// Bones whose translation differs by less, in their parents' units, do not move: rounding of files.
const SAME_PLACE: f32 = 1e-5;

/// What an avatar does.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Phase {
    /// Nothing is written.
    #[default]
    Idle,
    /// The clip runs, or is paused.
    Playing,
    /// The last pose is held.
    Finished,
    /// After an interruption: time runs out, this many seconds since.
    Stopping(f32),
}

/// A difference of two poses and how fast it changes: rotation vector and translation, parent's frame.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Offset {
    turn: Vec3,
    turning: Vec3,
    shift: Vec3,
    shifting: Vec3,
}

/// One thing in a moment: where it stands and how fast it moves, parent's frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moving {
    pub translation: Vec3,
    pub rotation: Quat,
    /// Per second.
    pub velocity: Vec3,
    /// Radians per second.
    pub angular_velocity: Vec3,
}

impl Offset {
    /// What is to be laid over `target` so that it goes on from where a thing stood `age` seconds ago (`now`) and `dt`
    /// seconds before that (`before`).
    pub fn new(now: &Transform, before: &Transform, target: &Moving, age: f32, dt: f32) -> Self {
        let at = |from: &Transform, age: f32| {
            let back = Quat::from_scaled_axis(-target.angular_velocity * age);
            let mut turn = from.rotation * (back * target.rotation).inverse();
            if turn.w < 0.0 {
                turn = -turn;
            }
            let shift = from.translation - (target.translation - target.velocity * age);
            (turn.to_scaled_axis(), shift)
        };
        let (turn, shift) = at(now, age);
        let mut offset = Self {
            turn,
            shift,
            ..Self::default()
        };
        if dt > 0.0 {
            let (turn_before, shift_before) = at(before, age + dt);
            // Near half a turn the axis may flip; then nothing is known of the velocity.
            if turn.dot(turn_before) >= 0.0 || turn.length_squared() < 1.0 {
                offset.turning = (turn - turn_before) / dt;
            }
            offset.shifting = (shift - shift_before) / dt;
        }
        if offset.shift.length_squared() < SAME_PLACE * SAME_PLACE
            && offset.shifting.length_squared() < SAME_PLACE
        {
            (offset.shift, offset.shifting) = (Vec3::ZERO, Vec3::ZERO);
        }
        if [offset.turn, offset.turning, offset.shift, offset.shifting]
            .iter()
            .all(|v| v.is_finite())
        {
            offset
        } else {
            Self::default()
        }
    }

    /// Seconds in which it decays, turning with no more acceleration than `turn` and moving with no more than `shift`.
    pub fn seconds(&self, turn: f32, shift: f32) -> f32 {
        let of_turn = inertia::seconds(self.turn.length(), self.turning.length(), turn);
        let of_shift = inertia::seconds(self.shift.length(), self.shifting.length(), shift);
        of_turn.max(of_shift)
    }

    /// Lays what is left of it over a pose.
    #[inline]
    pub fn lay_over(&self, left: &Left, translation: &mut Vec3, rotation: &mut Quat) {
        let turn = self.turn * left.offset + self.turning * left.velocity;
        *rotation = (Quat::from_scaled_axis(turn) * *rotation).normalize();
        *translation += self.shift * left.offset + self.shifting * left.velocity;
    }
}

/// Decay of [`Offset`]s, the same for a whole pose.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Decay {
    pub elapsed: f32,
    pub seconds: f32,
}

/// What is left of offsets and of their velocities.
#[derive(Clone, Copy, Debug)]
pub(super) struct Left {
    offset: f32,
    velocity: f32,
}

impl Decay {
    /// None when nothing is left.
    pub fn left(&self) -> Option<Left> {
        (self.elapsed < self.seconds).then(|| {
            let (offset, velocity) = inertia::left(self.elapsed / self.seconds);
            Left {
                offset,
                velocity: velocity * self.seconds,
            }
        })
    }
}

/// What an avatar needs to play one clip.
#[derive(Clone, Debug)]
pub(super) struct Ready {
    /// What the clip was made of.
    pub job: BakeJob,
    /// The entities of the rig's bones.
    pub entities: Vec<Entity>,
    /// The clip.
    pub clip: Arc<RiggedClip>,
    /// Whether no more of it is being made.
    pub complete: bool,
}

/// What of an [`InteractionPlayer`](super::InteractionPlayer) holds for what plays: the component may already be another
/// one that has not started.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub origin: Isometry3d,
    /// 0 while it is paused, and for what is no number.
    pub speed: f32,
    pub weight: f32,
    pub parts: BodyParts,
}

impl Settings {
    pub fn of(interaction: &super::InteractionPlayer) -> Self {
        let runs = !interaction.paused && interaction.speed.is_finite();
        Self {
            origin: interaction.origin,
            speed: if runs { interaction.speed } else { 0.0 },
            weight: interaction.weight,
            parts: interaction.parts,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            origin: Isometry3d::IDENTITY,
            speed: 0.0,
            weight: 1.0,
            parts: BodyParts::ALL,
        }
    }
}

/// See the module. One on every avatar with an [`InteractionPlayer`](super::InteractionPlayer).
#[derive(Component, Default)]
pub(super) struct Player {
    /// The clip and object that were asked for when the component was inserted.
    pub asked: Option<(AssetId<MotionClip>, Option<Entity>)>,
    /// What plays, or is waited for, is to end early.
    pub interrupt: Option<InterruptReason>,
    /// What plays, or played last.
    pub playing: Option<Ready>,
    pub settings: Settings,
    /// What is to play next.
    pub next: Option<Ready>,
    pub phase: Phase,
    /// The component was inserted and has not started yet.
    pub wanted: bool,
    /// The component was inserted since the last frame.
    pub inserted: bool,
    /// The avatar is being despawned.
    pub despawning: bool,
    /// Metres per unit of the avatar's root at the last frame, and for how many frames it has been so.
    pub scale: f32,
    pub steady: u8,
    /// Frames whose pose was taken down while waiting, up to two.
    pub seen: u8,
    /// [`InteractionPlayer::time`](super::InteractionPlayer::time) as it was left.
    pub time: f32,
    /// The share of its speed that playback lacks, for no more of the clip is there yet.
    pub braked: f32,
    /// Local transforms of the rig's bones at the last frame and at the one before.
    pub now: Vec<Transform>,
    pub before: Vec<Transform>,
    /// The same of the avatar's entity and of the object's.
    pub root: [Transform; 2],
    pub object_places: [Transform; 2],
    /// What part of the body each of the clip's bones is.
    pub parts: Vec<BodyParts>,
    /// In the order of the clip's bones.
    pub offsets: Vec<Offset>,
    pub root_offset: Offset,
    pub decay: Decay,
    pub object_offset: Offset,
    pub object_decay: Decay,
    /// The object of what plays.
    pub object: Option<Entity>,
    /// Whether the object's transform is ours, and for how many frames.
    pub driven: u32,
    /// How the object was to be taken in the last frame, when another avatar still carried it.
    pub refused: Option<Take>,
    /// Parts that touch, a bit each.
    pub touching: u8,
    /// A value that is none was reported.
    pub warned: bool,
    /// The object under physics.
    pub live: Live,
}

impl Player {
    /// Where a pose that is `age` seconds old goes over into the clip at `tap`, which runs at `speed`. `blend_in` is
    /// the least duration; 0 goes over at once.
    pub fn blend_bones(&mut self, tap: &Tap, speed: f32, blend_in: f32, age: f32, dt: f32) {
        self.decay = Decay::default();
        let Some(ready) = &self.playing else {
            return;
        };
        let clip = &ready.clip;
        self.offsets.clear();
        self.root_offset = Offset::default();
        if blend_in <= 0.0 {
            return;
        }
        let acceleration = (clip.peak_turn() * JUMP).max(GENTLE_TURN);
        let mut seconds = blend_in;
        for (k, (bone, _)) in clip.bones().iter().enumerate() {
            let target = clip.bone(tap, k);
            let target = Moving {
                translation: target.translation,
                rotation: target.rotation,
                velocity: clip.shift(tap, k) * speed,
                angular_velocity: clip.turn(tap, k) * speed,
            };
            let offset = Offset::new(&self.now[*bone], &self.before[*bone], &target, age, dt);
            // Translations are in the units of whatever rig; they take as long as rotations do.
            seconds = seconds.max(offset.seconds(acceleration, f32::INFINITY));
            self.offsets.push(offset);
        }
        self.decay = Decay {
            elapsed: age,
            seconds: seconds.min(LONGEST.max(blend_in)),
        };
    }

    /// The same for the avatar's entity, `target` in its parent's frame; after [`Self::blend_bones`].
    pub fn blend_root(&mut self, target: &Moving, age: f32, dt: f32) {
        if self.decay.seconds > 0.0 {
            let [now, before] = &self.root;
            self.root_offset = Offset::new(now, before, target, age, dt);
            let seconds = self.root_offset.seconds(GENTLE_TURN, PUSH).min(LONGEST);
            self.decay.seconds = self.decay.seconds.max(seconds);
        }
    }

    /// The same for the object's entity; takes as long as the avatar at least.
    pub fn blend_object(&mut self, target: &Moving, blend_in: f32, age: f32, dt: f32) {
        self.object_decay = Decay::default();
        self.object_offset = Offset::default();
        if blend_in > 0.0 {
            let [now, before] = &self.object_places;
            self.object_offset = Offset::new(now, before, target, age, dt);
            let seconds = self.object_offset.seconds(GENTLE_TURN, PUSH).min(LONGEST);
            self.object_decay = Decay {
                elapsed: age,
                seconds: seconds.max(blend_in).max(self.decay.seconds),
            };
        }
    }

    /// Whether the clip moves the object at the present time. What the game has taken it moves no more.
    pub fn moves_object(&self) -> bool {
        let clip = self.playing.as_ref().map(|ready| &ready.clip);
        clip.is_some_and(|clip| clip.moves_object() && self.time <= clip.release())
            && !self.live.lost
    }

    /// Takes what is next in hand.
    pub fn take(&mut self, next: Ready) -> Arc<RiggedClip> {
        let clip = next.clip.clone();
        let (rig, map) = (&next.job.rig, &next.job.map);
        self.parts.clear();
        self.parts.extend(
            clip.bones()
                .iter()
                .map(|(bone, _)| part_of(rig, map, *bone)),
        );
        self.playing = Some(next);
        clip
    }

    /// Goes to the exact pose.
    pub fn cut(&mut self) {
        self.decay = Decay::default();
        self.object_decay = Decay::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moving(translation: Vec3, rotation: Quat, velocity: Vec3, turn: Vec3) -> Moving {
        Moving {
            translation,
            rotation,
            velocity,
            angular_velocity: turn,
        }
    }

    #[test]
    fn goes_on_with_the_old_velocity_and_ends_on_the_new_motion() {
        let dt = 1.0 / 60.0;
        let (velocity, turn) = (Vec3::new(0.1, -0.4, 0.2), Vec3::new(1.5, -0.5, 0.7));
        let old = |t: f32| {
            Transform::from_translation(Vec3::new(1.0, 2.0, 3.0) + velocity * t)
                .with_rotation(Quat::from_scaled_axis(turn * t) * Quat::from_rotation_y(0.9))
        };
        let (new_velocity, new_turn) = (Vec3::new(0.0, 0.3, 0.0), Vec3::new(-0.4, 1.0, 0.0));
        let new = |t: f32| {
            moving(
                new_velocity * t,
                Quat::from_scaled_axis(new_turn * t) * Quat::from_rotation_x(0.4),
                new_velocity,
                new_turn,
            )
        };
        // Once with a pose of this frame, once with one that is a frame old.
        for age in [0.0, dt] {
            let offset = Offset::new(&old(-age), &old(-age - dt), &new(0.0), age, dt);
            let mut decay = Decay {
                elapsed: age,
                seconds: 0.5,
            };
            let mut last = old(-dt);
            for k in 0..40 {
                let t = k as f32 * dt;
                let target = new(t);
                let mut pose =
                    Transform::from_translation(target.translation).with_rotation(target.rotation);
                if let Some(left) = decay.left() {
                    offset.lay_over(&left, &mut pose.translation, &mut pose.rotation);
                }
                decay.elapsed += dt;
                let speed = (pose.translation - last.translation) / dt;
                let spin = (pose.rotation * last.rotation.inverse()).to_scaled_axis() / dt;
                if k == 0 {
                    assert!((speed - velocity).length() < 0.1, "{age} {speed}");
                    assert!((spin - turn).length() < 0.15, "{age} {spin}");
                }
                if k == 39 {
                    assert!((pose.translation - target.translation).length() < 1e-6);
                    assert!(pose.rotation.angle_between(target.rotation) < 1e-3);
                    assert!((speed - new_velocity).length() < 1e-3);
                }
                last = pose;
            }
        }
    }

    #[test]
    fn what_is_no_number_is_no_offset() {
        let bad = Transform::from_xyz(f32::NAN, 0.0, 0.0);
        let target = moving(Vec3::ZERO, Quat::IDENTITY, Vec3::ZERO, Vec3::ZERO);
        assert_eq!(
            Offset::new(&bad, &bad, &target, 0.0, 0.1),
            Offset::default()
        );
    }
}
