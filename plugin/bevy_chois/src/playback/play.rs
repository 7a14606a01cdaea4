//! Samples what plays and writes it to bones, avatars and objects.

use bevy::ecs::change_detection::{DetectChangesMut, Mut};
use bevy::ecs::entity::Entity;
use bevy::ecs::hierarchy::ChildOf;
use bevy::ecs::lifecycle::{Despawn, Insert, Remove};
use bevy::ecs::observer::On;
use bevy::ecs::system::{Commands, Query, Res, SystemParam};
use bevy::log::warn;
use bevy::math::Isometry3d;
use bevy::time::Time;
use bevy::transform::components::{GlobalTransform, Transform};

use super::events::{InteractionFinished, InteractionStarted, InterruptReason, tell};
use super::hold::{LOOP_STEP, Take};
use super::player::{Phase, Player, Settings};
use super::{HeldBy, InteractionPlayer, InteractionState};
use crate::clip::RiggedClip;
use crate::contact::{ObjectPhysics, PhysicalObjects, Solid};

/// Seconds in which an interrupted interaction comes to rest.
const STOPPING: f32 = 0.25;
/// Where the rest of a clip is still being made, playback slows down over so much of the end of what is there, seconds of the
/// clip; it stands and starts again evenly accelerated.
const BRAKING: f32 = 0.3;

/// The system that plays: see [`super`] for what it writes.
pub(super) fn play(
    time: Res<Time>,
    mut avatars: Query<(
        Entity,
        &mut InteractionPlayer,
        &mut InteractionState,
        &mut Player,
    )>,
    mut scene: Scene,
) {
    let dt = time.delta_secs();
    for (avatar, mut interaction, mut state, mut player) in &mut avatars {
        let mut turn = Turn {
            avatar,
            interaction: interaction.bypass_change_detection(),
            state: &mut state,
            player: &mut player,
            scene: &mut scene,
            dt,
        };
        turn.take();
    }
}

/// Everything that is not of one avatar.
#[derive(SystemParam)]
pub(super) struct Scene<'w, 's> {
    pub commands: Commands<'w, 's>,
    pub transforms: Query<'w, 's, &'static mut Transform>,
    pub parents: Query<'w, 's, &'static ChildOf>,
    pub held: Query<'w, 's, &'static HeldBy>,
    pub physics: Query<'w, 's, &'static ObjectPhysics>,
    pub obstacles: Query<'w, 's, (Entity, &'static Solid, &'static GlobalTransform)>,
    pub objects: Option<Res<'w, PhysicalObjects>>,
}

/// One avatar's frame.
pub(super) struct Turn<'a, 'q, 'w, 's> {
    pub avatar: Entity,
    pub interaction: &'a mut InteractionPlayer,
    pub state: &'a mut Mut<'q, InteractionState>,
    pub player: &'a mut Player,
    pub scene: &'a mut Scene<'w, 's>,
    pub dt: f32,
}

impl Turn<'_, '_, '_, '_> {
    fn take(&mut self) {
        if let Some(reason) = self.player.interrupt.take() {
            if self.player.phase == Phase::Idle {
                self.player.object = self.interaction.object;
            }
            self.interrupt(reason);
        }
        self.mend();
        let runs = matches!(self.player.phase, Phase::Playing | Phase::Finished);
        if runs && !self.player.wanted {
            self.player.settings = Settings::of(self.interaction);
        }
        match self.player.phase {
            Phase::Idle => {
                if self.player.wanted && self.player.next.is_some() {
                    self.take_down();
                    if self.player.seen >= 2 {
                        self.start(0.0);
                    }
                }
            }
            Phase::Stopping(since) => {
                if self.player.wanted && self.player.next.is_some() {
                    self.start(self.dt);
                    return;
                }
                self.player.phase = if since < STOPPING {
                    Phase::Stopping(since + self.dt)
                } else {
                    Phase::Idle
                };
                let rate = 1.0 - (since / STOPPING).min(1.0);
                let dt = self.dt * rate * rate;
                self.player.time += dt * self.moving_speed();
                self.player.decay.elapsed += dt;
                self.pose(false);
            }
            Phase::Playing | Phase::Finished if self.player.wanted => {
                // Finished, and another one was inserted.
                if self.player.next.is_some() {
                    self.start(self.dt);
                } else {
                    self.pose(false);
                }
            }
            Phase::Playing | Phase::Finished => {
                if self.player.next.is_some() {
                    self.swap();
                }
                self.run();
            }
        }
    }

    /// Fields that hold no number: reported once, and taken for what does no harm.
    fn mend(&mut self) {
        let InteractionPlayer {
            time,
            speed,
            blend_in,
            weight,
            origin,
            ..
        } = self.interaction;
        let fine = time.is_finite()
            && speed.is_finite()
            && blend_in.is_finite()
            && weight.is_finite()
            && origin.translation.is_finite()
            && origin.rotation.is_finite();
        if fine {
            return;
        }
        if !self.player.warned {
            self.player.warned = true;
            warn!(
                "interaction of avatar {}: time, speed, blend_in, weight and origin must be finite numbers; what is not \
                 counts as 0 (weight: 1)",
                self.avatar
            );
        }
        if time.is_nan() {
            *time = self.player.time;
        }
        *time = time.clamp(-1e6, 1e6);
        if !blend_in.is_finite() {
            *blend_in = 0.0;
        }
        if !weight.is_finite() {
            *weight = 1.0;
        }
        if !(origin.translation.is_finite() && origin.rotation.is_finite()) {
            *origin = Isometry3d::IDENTITY;
        }
    }

    /// Remembers where everything stands while waiting, so that the speed of the moment is known when it starts.
    fn take_down(&mut self) {
        let player = &mut *self.player;
        let Some(next) = &player.next else {
            return;
        };
        let count = next.entities.len();
        if player.now.len() != count {
            player.now.clear();
            player.now.resize(count, Transform::IDENTITY);
            player.before.clear();
            player.before.resize(count, Transform::IDENTITY);
            player.seen = 0;
        }
        player.before.copy_from_slice(&player.now);
        player.root[1] = player.root[0];
        player.object_places[1] = player.object_places[0];
        for (now, entity) in player.now.iter_mut().zip(&next.entities) {
            if let Ok(transform) = self.scene.transforms.get(*entity) {
                *now = *transform;
            }
        }
        if let Ok(transform) = self.scene.transforms.get(self.avatar) {
            player.root[0] = *transform;
        }
        let object = self.interaction.object;
        if let Some(Ok(transform)) = object.map(|object| self.scene.transforms.get(object)) {
            player.object_places[0] = *transform;
        }
        player.seen = (player.seen + 1).min(2);
    }

    /// Begins what is next. The pose to go over from is `age` seconds old.
    fn start(&mut self, age: f32) {
        let Some(next) = self.player.next.take() else {
            return;
        };
        if self.player.now.len() != next.entities.len() {
            // Another rig meanwhile; its bones are not ours yet.
            self.player.next = Some(next);
            self.player.phase = Phase::Idle;
            self.player.seen = 0;
            return;
        }
        let clip = self.player.take(next);
        self.player.settings = Settings::of(self.interaction);
        self.player.wanted = false;
        self.player.seen = 0;
        self.player.object = self.interaction.object;
        self.player.phase = Phase::Playing;
        self.player.driven = 0;
        self.player.refused = None;
        self.player.braked = 0.0;
        self.player.live = Default::default();
        let time = self.interaction.time.clamp(0.0, clip.duration());
        self.set_time(time);
        self.blend(&clip, age);
        **self.state = InteractionState::Playing;
        tell(
            &mut self.scene.commands,
            InteractionStarted {
                entity: self.avatar,
                object: self.interaction.object,
            },
        );
        if !self.take_object(&clip, Take::Smoothly { age }) {
            return;
        }
        self.pose(true);
        self.touch(&clip);
    }

    /// Goes over to another version of the same clip, or the same clip on other bones, where it is.
    fn swap(&mut self) {
        let Some(next) = self.player.next.take() else {
            return;
        };
        let count = next.entities.len();
        let known = self.player.now.len() == count
            && (self.player.playing.as_ref()).is_some_and(|old| old.entities == next.entities);
        let clip = self.player.take(next);
        if known {
            self.blend(&clip, 0.0);
        } else {
            self.player.now.clear();
            self.player.now.resize(count, Transform::IDENTITY);
            self.player.before.clear();
            self.player.before.resize(count, Transform::IDENTITY);
            self.player.cut();
        }
    }

    /// One frame of what plays.
    fn run(&mut self) {
        let Some(clip) = self.player.playing.as_ref().map(|p| p.clip.clone()) else {
            return;
        };
        let duration = clip.duration();
        let mut how = Take::Smoothly { age: 0.0 };
        let sought = self.interaction.time != self.player.time;
        if sought {
            how = Take::AtOnce;
            self.player.braked = 0.0;
            self.player.cut();
            self.set_time(self.interaction.time.clamp(0.0, duration));
            if self.player.phase == Phase::Finished {
                self.player.phase = Phase::Playing;
                self.state.set_if_neq(InteractionState::Playing);
                tell(
                    &mut self.scene.commands,
                    InteractionStarted {
                        entity: self.avatar,
                        object: self.interaction.object,
                    },
                );
            }
        }
        if self.player.phase == Phase::Finished {
            self.pose(false);
            self.live(false);
            return;
        }
        let mut ends = false;
        // Of what is still being made the end is no end: they wait there.
        let more = (self.player.playing.as_ref()).is_some_and(|playing| !playing.complete);
        if !self.interaction.paused && !sought {
            self.brake(duration, more);
            let speed = self.moving_speed();
            let time = self.player.time + self.dt * speed;
            let beyond = speed > 0.0 && time >= duration || speed < 0.0 && time <= 0.0;
            let beyond = beyond && !(more && speed > 0.0);
            if beyond && self.interaction.looping && duration > 0.0 {
                self.set_time(time.rem_euclid(duration));
                self.begin_again(&clip);
                how = Take::Again;
            } else {
                ends = beyond && !self.interaction.looping;
                self.set_time(time.clamp(0.0, duration));
            }
        }
        self.player.decay.elapsed += self.dt;
        if how != Take::Again {
            self.player.object_decay.elapsed += self.dt;
        }
        if !self.take_object(&clip, how) {
            // It comes to rest from here.
            self.pose(false);
            return;
        }
        self.pose(true);
        self.live(true);
        self.release_live(&clip);
        self.touch(&clip);
        if ends {
            self.player.phase = Phase::Finished;
            self.let_go(false);
            self.state.set_if_neq(InteractionState::Finished);
            tell(
                &mut self.scene.commands,
                InteractionFinished {
                    entity: self.avatar,
                    object: self.interaction.object,
                },
            );
        }
    }

    /// Slows down before the end of what there is of a clip, and takes up speed when there is more.
    fn brake(&mut self, duration: f32, more: bool) {
        let (speed, time) = (self.player.settings.speed, self.player.time);
        let wanted = if more && speed > 0.0 {
            ((duration - time) / (BRAKING * speed))
                .clamp(0.0, 1.0)
                .sqrt()
        } else {
            1.0
        };
        let faster = 1.0 - self.player.braked + self.dt / (2.0 * BRAKING);
        self.player.braked = 1.0 - wanted.min(faster);
    }

    fn set_time(&mut self, time: f32) {
        self.interaction.time = time;
        self.player.time = time;
    }

    /// Goes over from the pose of `age` seconds ago into the clip at the present time.
    fn blend(&mut self, clip: &RiggedClip, age: f32) {
        let tap = clip.tap(self.player.time);
        let speed = self.moving_speed();
        let dt = self.dt;
        self.player
            .blend_bones(&tap, speed, self.interaction.blend_in, age, dt);
        let root = self.root(clip, &tap, speed);
        match self.scene.transforms.get(self.avatar) {
            // The game has put it elsewhere meanwhile.
            Ok(present) if *present != self.player.root[0] => {
                self.player.root = [*present; 2];
                self.player.blend_root(&root, 0.0, 0.0);
            }
            _ => self.player.blend_root(&root, age, dt),
        }
    }

    /// A looping clip begins again: the pose goes over, and where the avatar stands, too, when that is near.
    fn begin_again(&mut self, clip: &RiggedClip) {
        self.blend(clip, self.dt);
        // This frame's time is added by the caller.
        self.player.decay.elapsed -= self.dt;
        let root = self.root(clip, &clip.tap(self.player.time), 0.0);
        if root.translation.distance(self.player.root[0].translation) > LOOP_STEP {
            self.player.root_offset = Default::default();
        }
    }

    pub fn moving_speed(&self) -> f32 {
        self.player.settings.speed * (1.0 - self.player.braked)
    }
}

/// A component was inserted: what it asks for is looked up this frame.
pub(super) fn inserted(event: On<Insert, InteractionPlayer>, mut players: Query<&mut Player>) {
    if let Ok(mut player) = players.get_mut(event.entity) {
        player.inserted = true;
    }
}

pub(super) fn despawned(event: On<Despawn, InteractionPlayer>, mut players: Query<&mut Player>) {
    if let Ok(mut player) = players.get_mut(event.entity) {
        player.despawning = true;
    }
}

/// A component was removed, or its avatar despawned.
pub(super) fn removed(
    event: On<Remove, InteractionPlayer>,
    mut avatars: Query<(&mut InteractionPlayer, &mut InteractionState, &mut Player)>,
    mut scene: Scene,
) {
    let avatar = event.entity;
    let Ok((mut interaction, mut state, mut player)) = avatars.get_mut(avatar) else {
        return;
    };
    let despawning = player.despawning;
    // Before anybody hears of it, who may have them play something else.
    if !despawning {
        (scene.commands.entity(avatar)).try_remove::<(InteractionState, Player)>();
    }
    if player.phase == Phase::Playing || player.wanted || player.inserted {
        let mut turn = Turn {
            avatar,
            interaction: interaction.bypass_change_detection(),
            state: &mut state,
            player: &mut player,
            scene: &mut scene,
            dt: 0.0,
        };
        if turn.player.phase != Phase::Playing {
            turn.player.object = turn.interaction.object;
        }
        turn.interrupt(if despawning {
            InterruptReason::AvatarDespawned
        } else {
            InterruptReason::Removed
        });
    }
}
