//! A clip on the bones of one avatar, ready to be sampled at any time.

use bevy::math::{Isometry3d, Quat, Vec3, Vec4};
use bevy::transform::components::Transform;
use chois::geometry::ObjectGeometry;
use chois::motion::spline::{self, Tap};
use chois::motion::touch::touches;
use chois::motion::{ContactPart, MotionClip};
use chois::retarget::{Rig, RigClip};
use chois::skeleton::joint;

use crate::error::{Error, Result};
use crate::frame;

/// Below this the object stands still, metres per second.
const STANDING: f32 = 0.05;
/// Below this the object does not turn, radians per second.
const NOT_TURNING: f32 = 0.2;

/// One part of the body touching the object, without a pause.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RiggedTouch {
    /// What touches.
    pub part: ContactPart,
    /// When it begins, seconds since the first frame.
    pub begins: f32,
    /// When it ends.
    pub ends: f32,
    /// The touched point at the beginning and at the end, in the object's own frame, Y up, metres.
    pub points: [Vec3; 2],
}

/// Where the avatar's root stands in the clip's world, Y up, metres.
pub type BodyPose = Isometry3d;
/// Where the object's origin stands in the clip's world, Y up, metres.
pub type ObjectPlace = Isometry3d;

/// A clip on the bones of one rig, as splines (see [`chois::motion::spline`]) in Bevy's types: Y up, translations in the
/// units of each bone's parent. Nothing here allocates after it was made.
#[derive(Clone, Debug, PartialEq)]
pub struct RiggedClip {
    fps: f32,
    frames: usize,
    /// Bones that are written, by index in the rig, with their bind pose. The first ones turn by `rotations`; the rest
    /// stand between them and the root and keep their bind pose.
    bones: Vec<(usize, Transform)>,
    turning: usize,
    /// Place of the hips in `bones`.
    hips: usize,
    /// Coefficients, `frames x turning`; x y z w, no change of sign, not of unit length.
    rotations: Vec<Vec4>,
    hips_translations: Vec<Vec3>,
    root_positions: Vec<Vec3>,
    root_rotations: Vec<Vec4>,
    object: Option<(Vec<Vec3>, Vec<Vec4>)>,
    touches: Vec<RiggedTouch>,
    release: f32,
    peak_turn: f32,
}

impl RiggedClip {
    /// Makes splines of a retargeted clip. `motion` is what was retargeted; `geometry` the object's shape, so that
    /// touched points can be found. A clip whose object never moves and is never touched moves no object.
    ///
    /// # Errors
    /// [`chois::error::Error::Invalid`] when the two clips differ in length, an index is outside the rig or a value is
    /// not finite.
    pub fn new(
        motion: &MotionClip,
        rig: &Rig,
        clip: &RigClip,
        geometry: Option<&ObjectGeometry>,
    ) -> Result<Self> {
        check(motion, rig, clip)?;
        let frames = clip.frames();
        let turning = clip.bones.len();
        let bind = |b: usize| {
            let bone = &rig.bones[b];
            let bind = Transform {
                translation: frame::same_vec3(bone.translation),
                rotation: frame::same_quat(bone.rotation),
                scale: frame::same_vec3(bone.scale),
            };
            (b, bind)
        };
        let mut bones: Vec<_> = clip.bones.iter().map(|&b| bind(b)).collect();
        // What stands between the root and a turning bone must be as it was when the clip was solved.
        for b in clip.bones.iter().copied().chain([clip.hips]) {
            let mut next = Some(b);
            while let Some(b) = next {
                if bones.iter().all(|(other, _)| *other != b) {
                    bones.push(bind(b));
                }
                next = rig.bones[b].parent;
            }
        }
        let hips = bones
            .iter()
            .position(|(b, _)| *b == clip.hips)
            .unwrap_or_default();

        let mut rotations: Vec<Vec4> = clip
            .rotations
            .iter()
            .map(|q| Vec4::from(frame::same_quat(*q)))
            .collect();
        fit_rotations(&mut rotations, turning);
        let mut hips_translations: Vec<Vec3> = clip
            .hips_translations
            .iter()
            .map(|v| frame::same_vec3(*v))
            .collect();
        spline::fit(&mut hips_translations, 1);
        let mut root_positions: Vec<Vec3> =
            clip.roots.iter().map(|r| frame::vec3(r.position)).collect();
        spline::fit(&mut root_positions, 1);
        let mut root_rotations: Vec<Vec4> = clip
            .roots
            .iter()
            .map(|r| Vec4::from(frame::quat(r.rotation)))
            .collect();
        fit_rotations(&mut root_rotations, 1);

        let still = motion.frames.windows(2).all(|f| {
            (f[1].object_position - f[0].object_position).norm() < 1e-6
                && f[1].object_rotation.angle_to(&f[0].object_rotation) < 1e-3
        });
        let touches = rigged_touches(motion, geometry);
        let object = (!still || !touches.is_empty()).then(|| {
            let mut positions: Vec<Vec3> = motion
                .frames
                .iter()
                .map(|f| frame::vec3(f.object_position))
                .collect();
            spline::fit(&mut positions, 1);
            let mut rotations: Vec<Vec4> = motion
                .frames
                .iter()
                .map(|f| Vec4::from(frame::quat(f.object_rotation)))
                .collect();
            fit_rotations(&mut rotations, 1);
            (positions, rotations)
        });
        let mut rigged = Self {
            fps: clip.fps,
            frames,
            bones,
            turning,
            hips,
            rotations,
            hips_translations,
            root_positions,
            root_rotations,
            object,
            touches,
            release: 0.0,
            peak_turn: 0.0,
        };
        rigged.release = rigged.released(motion);
        rigged.peak_turn = rigged.fastest();
        Ok(rigged)
    }

    /// Seconds from the first frame to the last.
    pub fn duration(&self) -> f32 {
        (self.frames - 1) as f32 / self.fps
    }

    /// Frames per second of the clip this was made from.
    pub fn fps(&self) -> f32 {
        self.fps
    }

    /// Number of frames; at least one.
    pub fn frames(&self) -> usize {
        self.frames
    }

    /// The bones that are written, by index in the [`Rig`], with their bind pose; the order of [`Self::bone`].
    pub fn bones(&self) -> &[(usize, Transform)] {
        &self.bones
    }

    /// Whether it has an object to move.
    pub fn moves_object(&self) -> bool {
        self.object.is_some()
    }

    /// When the object is the game's again, seconds since the first frame: its last touch has ended and it stands still.
    pub fn release(&self) -> f32 {
        self.release
    }

    /// The touches, in the order in which they begin.
    pub fn touches(&self) -> &[RiggedTouch] {
        &self.touches
    }

    /// The fastest that any bone turns against its parent, radians per second.
    pub fn peak_turn(&self) -> f32 {
        self.peak_turn
    }

    /// The tap for a time in seconds since the first frame; times outside go to the ends.
    pub fn tap(&self, seconds: f32) -> Tap {
        Tap::new(seconds * self.fps, self.frames)
    }

    /// Local transform of the `k`-th of [`Self::bones`].
    #[inline]
    pub fn bone(&self, tap: &Tap, k: usize) -> Transform {
        let mut transform = self.bones[k].1;
        if k < self.turning {
            let q = tap.value(&self.rotations, self.turning, k);
            transform.rotation = Quat::from_vec4(q).normalize();
        }
        if k == self.hips {
            transform.translation = tap.value(&self.hips_translations, 1, 0);
        }
        transform
    }

    /// Angular velocity of the `k`-th of [`Self::bones`] in its parent's frame, radians per second.
    pub fn turn(&self, tap: &Tap, k: usize) -> Vec3 {
        if k >= self.turning {
            return Vec3::ZERO;
        }
        let value = tap.value(&self.rotations, self.turning, k);
        let slope = tap.slope(&self.rotations, self.turning, k);
        angular_velocity(value, slope) * self.fps
    }

    /// Velocity of the `k`-th of [`Self::bones`] in its parent's frame, in the parent's units per second.
    pub fn shift(&self, tap: &Tap, k: usize) -> Vec3 {
        if k == self.hips {
            let slope: Vec3 = tap.slope(&self.hips_translations, 1, 0);
            slope * self.fps
        } else {
            Vec3::ZERO
        }
    }

    /// Where the avatar's root stands in the clip's world.
    pub fn root(&self, tap: &Tap) -> BodyPose {
        place(tap, &self.root_positions, &self.root_rotations)
    }

    /// Velocity (metres per second) and angular velocity (radians per second) of the root in the clip's world.
    pub fn root_velocity(&self, tap: &Tap) -> (Vec3, Vec3) {
        velocity(tap, &self.root_positions, &self.root_rotations, self.fps)
    }

    /// Where the object's origin stands in the clip's world; none where the clip moves no object.
    pub fn object(&self, tap: &Tap) -> Option<ObjectPlace> {
        let (positions, rotations) = self.object.as_ref()?;
        Some(place(tap, positions, rotations))
    }

    /// Velocity (metres per second) and angular velocity (radians per second) of the object in the clip's world.
    pub fn object_velocity(&self, tap: &Tap) -> (Vec3, Vec3) {
        match &self.object {
            Some((positions, rotations)) => velocity(tap, positions, rotations, self.fps),
            None => (Vec3::ZERO, Vec3::ZERO),
        }
    }

    /// Coefficients of one turning bone, for curves that own theirs.
    pub(super) fn rotation_curve(&self, k: usize) -> Option<Vec<Vec4>> {
        (k < self.turning).then(|| {
            self.rotations[k..]
                .iter()
                .step_by(self.turning)
                .copied()
                .collect()
        })
    }

    pub(super) fn translation_curve(&self, k: usize) -> Option<&[Vec3]> {
        (k == self.hips).then_some(self.hips_translations.as_slice())
    }

    pub(super) fn root_curves(&self) -> (&[Vec3], &[Vec4]) {
        (&self.root_positions, &self.root_rotations)
    }

    pub(super) fn object_curves(&self) -> Option<(&[Vec3], &[Vec4])> {
        self.object
            .as_ref()
            .map(|(p, r)| (p.as_slice(), r.as_slice()))
    }

    /// See [`Self::release`].
    fn released(&self, motion: &MotionClip) -> f32 {
        if self.object.is_none() {
            return 0.0;
        }
        let moving = motion.frames.windows(2).rposition(|f| {
            let shift = (f[1].object_position - f[0].object_position).norm() * self.fps;
            let turn = f[1].object_rotation.angle_to(&f[0].object_rotation) * self.fps;
            shift > STANDING || turn > NOT_TURNING
        });
        let moved = moving.map_or(0.0, |f| (f + 1) as f32 / self.fps);
        let touched = self.touches.iter().map(|t| t.ends).fold(0.0, f32::max);
        moved.max(touched)
    }

    fn fastest(&self) -> f32 {
        (0..self.frames)
            .map(|f| self.tap(f as f32 / self.fps))
            .flat_map(|tap| (0..self.turning).map(move |k| self.turn(&tap, k).length()))
            .fold(0.0, f32::max)
    }
}

/// The first thing that keeps a retargeted clip from being played.
fn check(motion: &MotionClip, rig: &Rig, clip: &RigClip) -> Result<()> {
    let bad = |reason: String| {
        let field = format!("clip {:?} on a rig", motion.name);
        Err(Error::Chois(chois::error::Error::invalid(field, reason)))
    };
    let frames = clip.frames();
    if frames == 0 || frames != motion.frames.len() {
        return bad(format!(
            "{} frames were retargeted to {frames}; retarget every frame of a clip that has some",
            motion.frames.len()
        ));
    }
    if !(clip.fps.is_finite() && clip.fps > 0.0) {
        return bad(format!(
            "its frame rate is {}; it must be above 0",
            clip.fps
        ));
    }
    if clip.rotations.len() != frames * clip.bones.len() || clip.hips_translations.len() != frames {
        return bad(format!(
            "{} rotations and {} translations do not make {frames} frames of {} bones; retarget it again",
            clip.rotations.len(),
            clip.hips_translations.len(),
            clip.bones.len()
        ));
    }
    let indices = clip.bones.iter().chain([&clip.hips]);
    if let Some(b) = indices.into_iter().find(|b| **b >= rig.bones.len()) {
        return bad(format!(
            "bone {b} of a rig of {}; retarget it onto the rig that plays it",
            rig.bones.len()
        ));
    }
    if let Some((b, _)) = (rig.bones.iter().enumerate())
        .find(|(b, bone)| bone.parent.is_some_and(|parent| parent >= *b))
    {
        return bad(format!(
            "bone {b} of its rig stands before its parent; sort the rig's bones"
        ));
    }
    let finite = clip.rotations.iter().all(|q| (q.norm() - 1.0).abs() < 1e-2)
        && clip
            .hips_translations
            .iter()
            .all(|v| v.iter().all(|c| c.is_finite()))
        && clip.roots.iter().all(|r| {
            r.position.iter().all(|c| c.is_finite()) && (r.rotation.norm() - 1.0).abs() < 1e-2
        })
        && motion.frames.iter().all(|f| {
            f.object_position.iter().all(|c| c.is_finite())
                && (f.object_rotation.norm() - 1.0).abs() < 1e-2
        });
    if !finite {
        return bad(
            "it holds a value that is not finite or a rotation that is none; generate or load it again"
                .into(),
        );
    }
    Ok(())
}

/// [`spline::fit`] of quaternions: the sign of each is that of the frame before.
fn fit_rotations(rotations: &mut [Vec4], columns: usize) {
    for i in columns..rotations.len() {
        if rotations[i].dot(rotations[i - columns]) < 0.0 {
            rotations[i] = -rotations[i];
        }
    }
    spline::fit(rotations, columns);
}

fn place(tap: &Tap, positions: &[Vec3], rotations: &[Vec4]) -> Isometry3d {
    let rotation: Vec4 = tap.value(rotations, 1, 0);
    Isometry3d::new(
        tap.value::<Vec3>(positions, 1, 0),
        Quat::from_vec4(rotation).normalize(),
    )
}

fn velocity(tap: &Tap, positions: &[Vec3], rotations: &[Vec4], fps: f32) -> (Vec3, Vec3) {
    let shift: Vec3 = tap.slope(positions, 1, 0);
    let turn = angular_velocity(tap.value(rotations, 1, 0), tap.slope(rotations, 1, 0));
    (shift * fps, turn * fps)
}

/// Angular velocity, parent's frame, of the normalised curve with this value and derivative.
fn angular_velocity(value: Vec4, slope: Vec4) -> Vec3 {
    let length = value.length().max(1e-6);
    let q = Quat::from_vec4(value / length);
    let slope = Quat::from_vec4(slope / length);
    // The part of the derivative along the quaternion is scalar in this product and drops out.
    (slope * q.conjugate()).xyz() * 2.0
}

/// Touches with their points: the object's vertex nearest to the palm or toes where its shape is known.
fn rigged_touches(motion: &MotionClip, geometry: Option<&ObjectGeometry>) -> Vec<RiggedTouch> {
    touches(motion)
        .into_iter()
        .map(|touch| {
            let joint = match touch.part {
                ContactPart::LeftHand => joint::LEFT_PALM,
                ContactPart::RightHand => joint::RIGHT_PALM,
                ContactPart::LeftFoot => joint::LEFT_TOE,
                ContactPart::RightFoot => joint::RIGHT_TOE,
            };
            let point = |f: usize| {
                let at = motion.joints(f)[joint];
                let frame = &motion.frames[f];
                let own = frame.object_rotation.inverse() * (at - frame.object_position);
                let nearest = geometry.map_or(own, |g| {
                    let (vertex, _) = g.nearest_vertex(&(own - g.center()));
                    g.vertices()[vertex] + g.center()
                });
                frame::vec3(nearest)
            };
            RiggedTouch {
                part: touch.part,
                begins: touch.first as f32 / motion.fps,
                ends: touch.last as f32 / motion.fps,
                points: [point(touch.first), point(touch.last)],
            }
        })
        .collect()
}
