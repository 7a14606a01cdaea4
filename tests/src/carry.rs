//! A clip made by hand: somebody takes a box from a table, carries it aside and puts it down on another.

use chois::clip::write_clip;
use chois::geometry::{Mesh, ObjectGeometry};
use chois::ik;
use chois::motion::{FPS, Frame, MotionClip};
use chois::skeleton::{Pose, ROTATIONS, Skeleton};
use nalgebra::{UnitQuaternion, Vector3};

use crate::tiny;

/// Half the box's width, metres: hands are at its left and right.
pub const HALF: f32 = 0.2;
/// Height of the tables, metres.
pub const TABLE: f32 = 0.8;
/// First and last frame in which the hands are at the box.
pub const HELD: (usize, usize) = (30, 90);

/// A box of 40 x 30 x 30 cm about its middle.
pub fn thing() -> ObjectGeometry {
    let size = Vector3::new(2.0 * HALF, 0.3, 0.3);
    let mesh = Mesh::cuboid(-size / 2.0, size);
    ObjectGeometry::new("box", mesh).expect("a mesh")
}

/// Where the box is: on the table until it is taken, then up and aside by `way` (metres, world x), and down again.
pub fn place(frame: usize, way: f32, table: f32) -> Vector3<f32> {
    let (from, to) = (HELD.0 as f32 + 2.0, HELD.1 as f32 - 2.0);
    let t = ((frame as f32 - from) / (to - from)).clamp(0.0, 1.0);
    let smooth = t * t * (3.0 - 2.0 * t);
    let lift = 0.2 * (std::f32::consts::PI * t).sin().powi(2);
    Vector3::new(way * smooth, -0.45, table + 0.15 + lift)
}

/// The clip: 120 frames. Hands are `off` metres away from the box's sides while they hold it.
pub fn clip(way: f32, off: f32) -> MotionClip {
    clip_at(TABLE, way, off)
}

/// The same with the box at another height, metres over the floor.
pub fn clip_at(table: f32, way: f32, off: f32) -> MotionClip {
    let skeleton = Skeleton::adult();
    let frames = (0..120)
        .map(|f| {
            let at = place(f, way, table);
            // From the rest pose, which faces +Z with Y up, to a person who faces -y with Z up.
            let mut pose = Pose {
                root: Vector3::new(at.x, 0.0, 0.93),
                rotations: [chois::frame::y_up_to_z_up(); ROTATIONS],
            };
            let near = reach(f);
            for (hand, side) in [(0, 1.0f32), (1, -1.0)] {
                // Palms in: the hands turn about the forearms' rest direction.
                let inward = UnitQuaternion::from_axis_angle(
                    &Vector3::y_axis(),
                    side * std::f32::consts::FRAC_PI_2,
                );
                let forward = UnitQuaternion::from_axis_angle(
                    &Vector3::z_axis(),
                    -side * std::f32::consts::FRAC_PI_2,
                );
                pose.rotations[20 + hand] =
                    forward * inward.inverse() * chois::frame::y_up_to_z_up();
                let held = at + Vector3::new(side * (HALF + off + 0.02), 0.0, 0.0);
                let free = Vector3::new(at.x + side * 0.35, -0.15, 0.9);
                let limb = [ik::LEFT_ARM, ik::RIGHT_ARM][hand];
                ik::reach(&skeleton, &mut pose, limb, free.lerp(&held, near));
            }
            Frame {
                pose,
                object_position: at,
                object_rotation: UnitQuaternion::identity(),
                contact: if (HELD.0..=HELD.1).contains(&f) {
                    [1.0, 1.0, 0.0, 0.0]
                } else {
                    [0.0; 4]
                },
            }
        })
        .collect();
    MotionClip {
        name: "carry".into(),
        subject: String::new(),
        object: "box".into(),
        text: "Lift the box, move the box, and put down the box.".into(),
        fps: FPS,
        skeleton,
        frames,
    }
}

/// How much of the way to the box the hands have gone.
fn reach(frame: usize) -> f32 {
    let before = (HELD.0 as f32 - frame as f32) / 20.0;
    let after = (frame as f32 - HELD.1 as f32) / 20.0;
    let t = 1.0 - before.max(after).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// The clip of a folder of training data, and its box beside it.
pub fn write(folder: &std::path::Path) {
    let mut clip = clip(0.5, 0.0);
    clip.object = "box".into();
    write_clip(&folder.join("carry.safetensors"), &clip).expect("written");
    let mesh = tiny::cuboid([-HALF, -0.15, -0.15], [2.0 * HALF, 0.3, 0.3]);
    std::fs::write(folder.join("box.obj"), tiny::obj(&mesh)).expect("written");
}
