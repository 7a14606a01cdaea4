//! The second mode: walking without an object. From captures to training, from a request to a clip.

use std::path::Path;
use std::sync::Arc;

use chois::clip::{bvh, parse_clip, write_clip};
use chois::condition::{Fill, Mode, Skip, WALK_CHANNELS, WalkSkip};
use chois::diffusion::Flow;
use chois::evaluation::metrics::{feet_height, foot_sliding};
use chois::model::checkpoint::parse_config;
use chois::model::config::Spread;
use chois::model::{Checkpoint, ModelConfig};
use chois::motion::MotionClip;
use chois::motion::features::{
    CONTACT, FEATURES, JOINT_POSITIONS, JOINT_ROTATIONS, OBJECT_ROTATION,
};
use chois::request::plan::{relaxed, stand};
use chois::request::{GuidanceConfig, InteractionRequest, WalkRequest};
use chois::skeleton::{JOINTS, Pose, ROTATIONS, Skeleton, joint};
use chois::synthesis::{Order, Synthesizer, WalkOrder};
use chois::training::dataset::{Dataset, step_rng};
use chois::training::distillation::Distillation;
use chois::training::footwork;
use chois::training::locomotion::{self, LocomotionOptions};
use chois::training::losses::LossWeights;
use chois::training::trainer::{StepReport, Trainer, TrainingConfig, make_batch};
use chois_tests::contact_suite;
use chois_tests::tiny::{self, Digested};
use nalgebra::{UnitQuaternion, Vector2, Vector3};
use tch::Device;

fn walk(synthesizer: &mut Synthesizer, request: &WalkRequest) -> MotionClip {
    let order = WalkOrder {
        request,
        scene: None,
    };
    synthesizer
        .walk(&order, &mut |_| Flow::Continue)
        .expect("a walk")
        .clip
}

/// The farthest way of any joint from one frame to the next, metres.
fn fastest(clip: &MotionClip) -> f32 {
    (1..clip.frames.len())
        .flat_map(|t| {
            let (a, b) = (clip.joints(t - 1), clip.joints(t));
            (0..JOINTS).map(move |j| (b[j] - a[j]).norm())
        })
        .fold(0.0, f32::max)
}

#[test]
fn a_walk_begins_and_ends_where_asked_and_is_the_same_again() {
    let mut synthesizer = tiny::walking_synthesizer();
    let request = WalkRequest::to([2.0, 1.0])
        .from([0.3, -0.2], 20.0)
        .facing(90.0)
        .seed(3);
    let clip = walk(&mut synthesizer, &request);
    assert!(!clip.has_object());
    assert_eq!(
        clip,
        walk(&mut synthesizer, &request),
        "same seed, same bits"
    );
    let other = walk(&mut synthesizer, &request.clone().seed(4));
    assert_ne!(clip, other);

    let plan = synthesizer
        .plan_walk(&WalkOrder {
            request: &request,
            scene: None,
        })
        .expect("a plan");
    assert_eq!(clip.frames.len(), plan.frames());
    let (first, last) = (&clip.frames[0].pose, &clip.frames[plan.frames() - 1].pose);
    assert!((first.root - plan.pose.root).norm() < 1e-3);
    assert!((last.root.xy() - Vector2::new(2.0, 1.0)).norm() < 1e-3);
    // Even untrained weights arrive standing: the last pose is given and guidance meets it. Legs may be planted anew.
    for j in [joint::PELVIS, joint::SPINE3, joint::LEFT_ELBOW, joint::HEAD] {
        let off = last.rotations[j].angle_to(&plan.arrival.rotations[j]);
        assert!(off < 1e-2, "joint {j}: {off} rad");
    }
    let bytes = {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("walk.safetensors");
        write_clip(&path, &clip).expect("written");
        std::fs::read(path).expect("read")
    };
    let back = parse_clip(&bytes, Path::new("walk.safetensors")).expect("a clip");
    assert!(!back.has_object());
    assert_eq!(back.frames.len(), clip.frames.len());
}

#[test]
fn a_long_walk_is_joined_without_a_jump_and_can_be_cancelled() {
    let mut synthesizer = tiny::walking_synthesizer();
    let request = WalkRequest::to([6.0, 0.0])
        .waypoints([[3.0, 0.5]])
        .seconds(8.0);
    let mut seen = Vec::new();
    let order = WalkOrder {
        request: &request,
        scene: None,
    };
    let made = synthesizer
        .walk(&order, &mut |p| {
            seen.push((p.done, p.total));
            Flow::Continue
        })
        .expect("a walk");
    assert_eq!(made.clip.frames.len(), 240);
    // Three windows of eight steps: the third has what is left.
    assert_eq!(seen.last().map(|(done, total)| done == total), Some(true));
    assert_eq!(seen.len() % 8, 0);
    assert!(seen.len() >= 16, "more than one window");
    // The pelvis follows the plan where the plan is given, in every window.
    for frame in [29, 59, 89, 239] {
        let off = (made.clip.frames[frame].pose.root.xy() - made.plan.path[frame]).norm();
        assert!(off < 2e-3, "{off} m at {frame}");
    }
    // Windows begin at frames 90 and 180. Untrained weights tremble, but no more there than elsewhere.
    let step = |t: usize| {
        let (a, b) = (made.clip.joints(t - 1)[0], made.clip.joints(t)[0]);
        (b - a).norm()
    };
    let most = (1..90).map(step).fold(0.0, f32::max);
    for seam in [90, 91, 119, 120, 180, 181, 209, 210] {
        assert!(step(seam) <= 1.5 * most, "{} m at {seam}", step(seam));
    }
    let cancelled = synthesizer.walk(&order, &mut |_| Flow::Cancel);
    assert!(matches!(cancelled, Err(chois::Error::Cancelled)));
}

#[test]
fn walks_made_together_are_those_made_alone() {
    let mut synthesizer = tiny::walking_synthesizer();
    let requests = [
        WalkRequest::to([1.5, 0.0]).seed(1),
        WalkRequest::to([0.0, 0.5]).seed(2),
        WalkRequest::to([90.0, 0.0]),
    ]
    // Guidance, which decides where feet stand, carries rounding further than it should be checked to.
    .map(|request| WalkRequest {
        guidance: GuidanceConfig::off(),
        ..request
    });
    let orders: Vec<WalkOrder<'_>> = requests
        .iter()
        .map(|request| WalkOrder {
            request,
            scene: None,
        })
        .collect();
    let mut results = [None, None, None];
    synthesizer.walk_batch(&orders, &mut |_, _| Flow::Continue, &mut |i, result| {
        results[i] = Some(result.map(|g| g.clip));
    });
    for (i, request) in requests.iter().enumerate().take(2) {
        let together = results[i].take().expect("told").expect("a clip");
        let alone = walk(&mut synthesizer, request);
        for (a, b) in together.frames.iter().zip(&alone.frames) {
            let off = (a.pose.root - b.pose.root).norm();
            assert!(off < 1e-3, "{i}: {off} m");
        }
    }
    let error = results[2].take().expect("told").expect_err("too far");
    assert!(error.to_string().contains("in parts"), "{error}");
}

#[test]
fn an_interaction_goes_on_from_where_a_walk_ended() {
    let mut synthesizer = tiny::walking_synthesizer();
    let object = tiny::object();
    let walked = walk(&mut synthesizer, &WalkRequest::to([1.0, 0.5]).facing(0.0));
    let last = walked.frames[walked.frames.len() - 1].pose;
    let request = InteractionRequest::new("Lift the box.")
        .start([1.7, 0.5, 0.0])
        .end([2.0, 0.9, 0.0])
        .pose(last);
    let order = Order {
        request: &request,
        object: &object,
        scene: None,
    };
    let taken = synthesizer
        .generate(&order, &mut |_| Flow::Continue)
        .expect("an interaction")
        .clip;
    let apart = |a: &MotionClip, f: usize, b: &MotionClip| {
        let (a, b) = (a.joints(f), b.joints(0));
        (0..JOINTS)
            .map(|j| (a[j] - b[j]).norm())
            .fold(0.0, f32::max)
    };
    let off = apart(&walked, walked.frames.len() - 1, &taken);
    assert!(off < 5e-3, "{off} m");
    // And a walk from where the interaction ended.
    let end = taken.frames.len() - 1;
    let mut pose = taken.frames[end].pose;
    // A network that has learned nothing may leave somebody in the floor.
    pose.root.z = pose.root.z.max(0.6);
    let away = walk(&mut synthesizer, &WalkRequest::to([0.0, 0.0]).pose(pose));
    let (ended, begins) = (taken.skeleton.forward(&pose), away.joints(0));
    let off = (ended.iter().zip(&begins)).fold(0.0_f32, |most, (a, b)| most.max((a - b).norm()));
    assert!(off < 5e-3, "{off} m");
    // A pose that is none is refused.
    let mut bad = last;
    bad.root.x = f32::NAN;
    let error = synthesizer
        .plan(&Order {
            request: &request.clone().pose(bad),
            object: &object,
            scene: None,
        })
        .expect_err("no pose");
    assert!(error.to_string().starts_with("pose.root"), "{error}");
}

#[test]
fn a_checkpoint_that_cannot_walk_says_so() {
    let mut synthesizer = tiny::synthesizer();
    assert!(!synthesizer.can_walk());
    let request = WalkRequest::to([1.0, 0.0]);
    let order = WalkOrder {
        request: &request,
        scene: None,
    };
    let error = synthesizer
        .walk(&order, &mut |_| Flow::Continue)
        .expect_err("it cannot");
    assert!(error.to_string().contains("not learned to walk"), "{error}");
}

#[test]
fn configs_of_before_walking_load_and_new_ones_come_back() {
    let path = Path::new("config.json");
    let old = serde_json::to_value(tiny::checkpoint().config).expect("a config");
    assert!(old["conditioning"].get("walking").is_none());
    let read = |value: &serde_json::Value| parse_config(value.to_string().as_bytes(), path);
    let mut bare = old.clone();
    bare.as_object_mut().expect("a map").remove("conditioning");
    let published = read(&bare).expect("the published form").conditioning;
    assert_eq!(published, chois::model::config::Conditioning::default());
    assert_eq!(published.walking, None);

    let config = tiny::walking_checkpoint().config;
    let value = serde_json::to_value(&config).expect("a config");
    assert_eq!(value["conditioning"]["walking"]["skip"], "joints");
    assert_eq!(read(&value).expect("a config"), config);
    let mut odd = value.clone();
    odd["conditioning"]["walking"]["skips"] = "joints".into();
    let error = read(&odd).expect_err("an unknown field").to_string();
    assert!(error.contains("skips"), "{error}");
}

#[test]
fn a_mixed_batch_tells_interactions_what_they_are_told_alone() {
    let checkpoint = tiny::walking_checkpoint();
    let network = checkpoint.network(Device::Cpu).expect("a network");
    let path = tch::Tensor::rand([3, 120, 3], (tch::Kind::Float, Device::Cpu));
    let modes = [Mode::Interaction, Mode::Walk, Mode::Interaction];
    let given = tch::Tensor::rand([3, 120, 220], (tch::Kind::Float, Device::Cpu));
    let base = network.base(&path, &given, &modes).expect("both skip");
    for (i, mode) in modes.into_iter().enumerate() {
        let own = |of: &tch::Tensor| of.narrow(0, i as i64, 1);
        let alone = network
            .base(&own(&path), &own(&given), &[mode])
            .expect("a base");
        assert!(base.narrow(0, i as i64, 1).equal(&alone));
    }
    // A walk has no object; every joint moves with the path.
    let walk = Vec::<f32>::try_from(base.get(1).view(-1)).expect("values");
    let row = &walk[60 * FEATURES..][..FEATURES];
    assert!(row[..OBJECT_ROTATION.end].iter().all(|v| *v == 0.0));
    assert!((0..JOINTS).all(|j| row[JOINT_POSITIONS.start + 3 * j] != 0.0));
    assert!((0..JOINTS).all(|j| row[JOINT_POSITIONS.start + 3 * j + 2] == 0.0));

    assert!(network.channels(&[Mode::Interaction; 2]).is_none());
    let channels = network.channels(&modes).expect("channels");
    let of = |i: i64| Vec::<f32>::try_from(channels.get(i).view(-1)).expect("values");
    assert!(of(0).iter().all(|v| *v == 1.0));
    assert_eq!(
        of(1).iter().sum::<f32>(),
        (CONTACT.start - JOINT_POSITIONS.start) as f32
    );

    let mut other = tiny::walking_checkpoint();
    other.config.conditioning.walking = Some(chois::condition::Walking {
        skip: WalkSkip::None,
        ..Default::default()
    });
    let network = other.network(Device::Cpu).expect("a network");
    assert!(network.base(&path, &given, &[Mode::Walk; 3]).is_none());
}

#[test]
fn heights_and_rotations_are_measured_from_the_first_pose_turned_as_the_heading_has() {
    let mut checkpoint = tiny::walking_checkpoint();
    let conditioning = &mut checkpoint.config.conditioning;
    conditioning.skip = Skip::ObjectAndPose;
    conditioning.walking.as_mut().expect("it walks").skip = WalkSkip::Pose;
    let network = checkpoint.network(Device::Cpu).expect("a network");
    let first: Vec<UnitQuaternion<f32>> = (0..ROTATIONS)
        .map(|j| UnitQuaternion::from_euler_angles(0.1 * j as f32, 0.3, 0.8 - 0.05 * j as f32))
        .collect();
    let rows = |turn: UnitQuaternion<f32>| -> Vec<f32> {
        let each = first.iter().flat_map(|r| {
            let m = (turn * r).to_rotation_matrix();
            (0..6).map(move |i| m[(i / 3, i % 3)])
        });
        each.collect()
    };
    let heading = |t: usize| UnitQuaternion::from_axis_angle(&Vector3::z_axis(), t as f32 * 0.05);
    let mut given = vec![0.0; 120 * FEATURES];
    given[JOINT_ROTATIONS].copy_from_slice(&rows(UnitQuaternion::identity()));
    let height = |j: usize| 0.02 * j as f32 - 0.3;
    for j in 0..JOINTS {
        given[JOINT_POSITIONS.start + 3 * j..][..3].copy_from_slice(&[0.7, 0.6, height(j)]);
    }
    for t in 1..120 {
        // Only the heading is known, and shorter where it was interpolated.
        let left = rows(heading(t));
        given[t * FEATURES + WALK_CHANNELS[2]] = 0.8 * left[0];
        given[t * FEATURES + WALK_CHANNELS[3]] = 0.8 * left[3];
    }
    let given = tch::Tensor::from_slice(&given).view([1, 120, FEATURES as i64]);
    let path = tch::Tensor::zeros([1, 120, 3], (tch::Kind::Float, Device::Cpu));
    for (mode, turns) in [(Mode::Walk, 1.0), (Mode::Interaction, 0.0)] {
        let base = network.base(&path, &given, &[mode]).expect("a base");
        let base = Vec::<f32>::try_from(base.view(-1)).expect("values");
        for t in [0, 1, 60, 119] {
            let want = rows(heading(t).powf(turns));
            let got = &base[t * FEATURES..][JOINT_ROTATIONS];
            let off = got.iter().zip(&want).map(|(a, b)| (a - b).abs());
            assert!(off.fold(0.0, f32::max) < 1e-4, "{mode:?}, frame {t}");
            let places = &base[t * FEATURES..][JOINT_POSITIONS];
            for (j, place) in places.chunks(3).enumerate() {
                assert_eq!(place, [0.0, 0.0, height(j)], "{mode:?}, frame {t}");
            }
        }
    }
    let walking = checkpoint.config.conditioning.walking.as_mut();
    walking.expect("it walks").fill = Fill::Zeros;
    let refused = checkpoint.config.validate().expect_err("no heading");
    assert!(refused.to_string().contains("walking.skip"), "{refused}");
    // A heading that cannot be told moves nothing to where it is no number.
    let base = network.base(&path, &given.zeros_like(), &[Mode::Walk]);
    assert!(base.expect("a base").isfinite().all().int64_value(&[]) == 1);
}

/// Given values in units of their own, none so far that it drowns the rest.
#[test]
fn given_values_reach_the_network_in_their_units() {
    let mut checkpoint = tiny::walking_checkpoint();
    let given = tch::Tensor::from_slice(&[0.5_f32, 0.5, -0.9]).repeat([1, 2, 74]);
    let given = given.narrow(2, 0, FEATURES as i64);
    let shown = |checkpoint: &Checkpoint| {
        let network = checkpoint.network(Device::Cpu).expect("a network");
        let object = tch::Tensor::zeros([1, 1, 6], (tch::Kind::Float, Device::Cpu));
        let condition = network.condition(&object, &given);
        let shown = condition.narrow(2, 6, FEATURES as i64).get(0).get(1);
        Vec::<f32>::try_from(shown).expect("values")
    };
    assert_eq!(shown(&checkpoint)[..3], [0.5, 0.5, -0.9], "as published");
    let mut spread = Spread {
        mean: vec![0.0; FEATURES],
        deviation: vec![1.0; FEATURES],
    };
    (spread.mean[1], spread.deviation[1]) = (0.3, 0.1);
    spread.deviation[2] = 0.01;
    checkpoint.config.conditioning.spread = Some(spread.clone());
    let got = shown(&checkpoint);
    for (got, want) in got.iter().zip([0.5, 2.0, -8.0]) {
        assert!((got - want).abs() < 1e-5, "{got} for {want}");
    }
    spread.deviation.pop();
    checkpoint.config.conditioning.spread = Some(spread);
    let refused = checkpoint.config.validate().expect_err("219").to_string();
    assert!(refused.contains("conditioning.spread"), "{refused}");
}

/// A person who stands, steps aside while turning, and stands, again and again.
fn stepping(skeleton: &Skeleton) -> Vec<Pose> {
    let mut poses = vec![stand(skeleton, &relaxed(), Vector2::new(0.2, 0.1), 0.4); 20];
    for (way, angle) in [([0.8, 0.3], 0.9), ([-0.3, 0.9], -1.4), ([0.0, -0.6], 0.3)] {
        let last = poses[poses.len() - 1];
        let way = Vector3::new(way[0], way[1], 0.0);
        poses.extend(footwork::shuffle(skeleton, &last, way, angle));
    }
    poses
}

/// A folder of BVH files of that person.
fn capture_folder(skeleton: &Skeleton, files: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for n in 0..files {
        let mut clip = chois_tests::carry::clip(0.0, 0.0);
        clip.skeleton = skeleton.clone();
        let poses = stepping(skeleton);
        let like = clip.frames[0];
        clip.frames = poses[2 * n..]
            .iter()
            .map(|pose| chois::motion::Frame {
                pose: *pose,
                ..like
            })
            .collect();
        bvh::write(&folder.path().join(format!("step_{n}.bvh")), &clip).expect("written");
    }
    folder
}

#[test]
fn a_capture_comes_back_on_the_same_bones() {
    let skeleton = Skeleton::adult();
    let folder = capture_folder(&skeleton, 2);
    let options = LocomotionOptions {
        footwork: false,
        ..LocomotionOptions::default()
    };
    let walks = locomotion::load(folder.path(), &skeleton, &relaxed(), &options).expect("walks");
    assert_eq!(walks.len(), 2);
    let (clip, poses) = (&walks[0].clips[0], stepping(&skeleton));
    assert_eq!(clip.frames.len(), poses.len());
    for (t, pose) in poses.iter().enumerate() {
        let (got, want) = (clip.joints(t), skeleton.forward(pose));
        for j in 0..JOINTS {
            // The mean pose of the capture is not quite the standing one: that much is lost. Feet are lifted as high as
            // steps are (see `motion::feet`), knees with them.
            let leg = [4, 5, 7, 8, 10, 11].contains(&j);
            let off = (got[j] - want[j]).norm();
            assert!(
                off < if leg { 0.12 } else { 0.06 },
                "frame {t}, joint {j}: {off} m"
            );
        }
    }
}

#[test]
fn footwork_stands_where_it_should() {
    let skeleton = Skeleton::adult();
    let poses = stepping(&skeleton);
    for (t, pose) in poses.iter().enumerate() {
        let joints = skeleton.forward(pose);
        let low = joints[joint::LEFT_TOE].z.min(joints[joint::RIGHT_TOE].z);
        assert!(
            (low - chois::skeleton::TOE_HEIGHT).abs() < 0.02,
            "frame {t}: {low} m"
        );
        if t > 0 {
            let before = skeleton.forward(&poses[t - 1]);
            let stands = [joint::LEFT_ANKLE, joint::RIGHT_ANKLE]
                .into_iter()
                .map(|j| (joints[j] - before[j]).norm())
                .fold(f32::INFINITY, f32::min);
            assert!(stands < 1e-3, "one foot stands at {t}: {stands} m");
            let most = (0..JOINTS)
                .map(|j| (joints[j] - before[j]).norm())
                .fold(0.0, f32::max);
            assert!(most < 0.12, "nothing jumps at {t}: {most} m");
        }
    }
    let far = Vector3::new(0.5, 0.0, 0.0);
    let made = footwork::shuffle(&skeleton, &poses[0], far, 0.5);
    assert_eq!(made.len(), footwork::shuffle_frames(0.5, 0.5));
    let last = made[made.len() - 1];
    assert!((last.root - poses[0].root - far).norm() < 1e-4);
}

#[test]
fn folders_that_hold_no_walks_are_refused() {
    let skeleton = Skeleton::adult();
    let load = |folder: &Path| {
        locomotion::load(folder, &skeleton, &relaxed(), &LocomotionOptions::default())
            .err()
            .expect("refused")
            .to_string()
    };
    let empty = tempfile::tempdir().expect("a folder");
    assert!(load(empty.path()).contains("no .bvh"));
    assert!(load(Path::new("/no/such/folder")).contains("cannot read"));
    std::fs::write(empty.path().join("a.bvh"), "HIERARCHY\nROOT a\n{\n").expect("written");
    assert!(load(empty.path()).contains("a.bvh"));
    // Two people in one folder.
    let folder = capture_folder(&skeleton, 1);
    let text = std::fs::read_to_string(folder.path().join("step_0.bvh")).expect("read");
    let other = text.replace("left_wrist", "left_paw");
    std::fs::write(folder.path().join("step_1.bvh"), other).expect("written");
    assert!(load(folder.path()).contains("one skeleton"));
    let slow = text.replace("Frame Time: 0.0333333", "Frame Time: 0.0166667");
    std::fs::write(folder.path().join("step_1.bvh"), slow).expect("written");
    assert!(load(folder.path()).contains("60 frames a second"));
}

/// A data set of one interaction and some walks, with its folder.
fn data() -> Arc<Dataset> {
    let skeleton = Skeleton::adult();
    let folder = tempfile::tempdir().expect("a folder");
    chois_tests::carry::write(folder.path());
    let interactions =
        Dataset::load(folder.path(), folder.path(), &Digested, true).expect("interactions");
    let captures = capture_folder(&skeleton, 2);
    let walks = locomotion::load(
        captures.path(),
        &skeleton,
        &relaxed(),
        &LocomotionOptions::default(),
    )
    .expect("walks");
    let walks = Dataset::of_walks(&walks, &Digested, true).expect("sources");
    assert!(walks.has_walks() && !walks.has_interactions());
    assert!(interactions.has_interactions() && !interactions.has_walks());
    Arc::new(interactions.merged(walks))
}

/// A run that begins from a checkpoint's weights.
fn begun(from: &Checkpoint, settings: &TrainingConfig) -> Trainer {
    let (model, settings) = (from.config.clone(), settings.clone());
    Trainer::tune(model, settings, Device::Cpu, &from.weights).expect("a run")
}

#[test]
fn training_on_both_resumes_exactly_and_begins_from_given_weights() {
    let data = data();
    let settings = TrainingConfig {
        batch: 4,
        steps: 6,
        warm_up: 2,
        walking: 0.5,
        keypoints: 4,
        ema_after: 0,
        ..TrainingConfig::default()
    };
    let checkpoint = tiny::walking_checkpoint();
    let model = &checkpoint.config;
    let begin = || begun(&checkpoint, &settings);
    let same = |a: &Trainer, b: &Trainer| {
        a.average()
            .iter()
            .zip(b.average().iter())
            .all(|((_, a), (_, b))| a.equal(b))
    };
    let mut whole = begin();
    assert!(
        whole
            .average()
            .iter()
            .zip(checkpoint.weights.iter())
            .all(|((_, a), (_, b))| a.equal(b)),
        "begins from the checkpoint's weights"
    );
    let mut reports: Vec<StepReport> = Vec::new();
    whole
        .run(&data, |_, report| {
            reports.push(*report);
            Ok(true)
        })
        .expect("trained");
    assert_eq!(reports.len(), 6);
    assert!(reports.iter().all(|r| r.total.is_finite() && !r.skipped));
    assert!(reports.iter().any(|r| r.keypoints > 0.0));

    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state.safetensors");
    let mut half = begin();
    half.run(&data, |trainer, _| Ok(trainer.step_count() < 3))
        .expect("trained");
    half.save(&state).expect("saved");
    let mut rest = Trainer::resume(&state, Device::Cpu, None).expect("resumed");
    rest.run(&data, |_, _| Ok(true)).expect("trained");
    assert!(same(&whole, &rest), "bit for bit");

    // A model that does not know walking cannot learn from walks.
    let mut trainer = Trainer::tune(
        tiny::checkpoint().config,
        settings.clone(),
        Device::Cpu,
        &checkpoint.weights,
    )
    .expect("a run");
    let error = trainer.run(&data, |_, _| Ok(true)).expect_err("refused");
    assert!(
        error.to_string().contains("conditioning.walking"),
        "{error}"
    );
    let bad = TrainingConfig {
        walking: 1.5,
        ..settings
    };
    let refused = Trainer::new(model.clone(), bad, Device::Cpu);
    assert!(refused.is_err_and(|e| e.to_string().contains("walking")));
}

/// A preconditioned network that says nothing leaves what is known without it, in training and in sampling alike; what it
/// learns is kept by state and checkpoint.
#[test]
fn a_preconditioned_run_begins_from_the_best_linear_guess() {
    let data = data();
    let settings = TrainingConfig {
        losses: LossWeights {
            contact: 0.0,
            kinematics: 0.0,
            keypoints: 0.0,
            ..LossWeights::default()
        },
        batch: 4,
        steps: 4,
        warm_up: 0,
        decay: 0.0,
        walking: 0.5,
        keypoints: 4,
        ..TrainingConfig::default()
    };
    let checkpoint = tiny::walking_checkpoint();
    for part in ["weight", "bias"] {
        let weight = checkpoint
            .weights
            .get(&format!("denoise_fn.linear_out.{part}"))
            .expect("a weight");
        let _ = tch::no_grad(|| weight.shallow_clone().zero_());
    }
    let begin = || begun(&checkpoint, &settings);
    let windows: Vec<_> = data.windows(15).into_iter().take(8).collect();
    let plain = begin().validate(&data, &windows).expect("a loss");
    let mut run = begin();
    run.precondition(&data).expect("measured");
    let guessed = run.validate(&data, &windows).expect("a loss");
    assert!(guessed < 0.5 * plain, "{plain} to {guessed}");
    let again = {
        let mut run = begin();
        run.precondition(&data).expect("measured");
        run.model()
    };
    assert_eq!(run.model(), again, "same data and seed, same spread");
    let given = again.conditioning.spread.as_ref().expect("units");
    let turns = &given.deviation[JOINT_ROTATIONS];
    assert!(
        turns.iter().all(|d| *d >= 0.1) && turns.contains(&0.1),
        "no turn is given in less than six degrees: {turns:?}"
    );
    // What is given is seen through noise in training alone.
    let seen = |given_noise: f64| {
        let settings = TrainingConfig {
            given_noise,
            ..settings.clone()
        };
        let mut run = begun(&checkpoint, &settings);
        run.precondition(&data).expect("measured");
        let before = run.validate(&data, &windows).expect("a loss");
        run.run(&data, |_, _| Ok(true)).expect("trained");
        let after = run.validate(&data, &windows).expect("a loss");
        (before, after)
    };
    let (plain, blurred, again_blurred) = (seen(0.0), seen(2.0), seen(2.0));
    assert_eq!((plain.0, blurred), (blurred.0, again_blurred));
    assert_ne!(plain.1, blurred.1);

    run.run(&data, |trainer, _| Ok(trainer.step_count() < 2))
        .expect("trained");
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state.safetensors");
    run.save(&state).expect("saved");
    let resumed = Trainer::resume(&state, Device::Cpu, None).expect("resumed");
    assert_eq!(resumed.model().diffusion, run.model().diffusion);
    assert!(run.model().conditioning.spread.is_some());
    assert_eq!(resumed.model().conditioning, run.model().conditioning);
    assert_eq!(
        resumed.validate(&data, &windows).expect("a loss"),
        run.validate(&data, &windows).expect("a loss")
    );
    let refused = run.precondition(&data).expect_err("it has begun");
    assert!(refused.to_string().contains("begun"), "{refused}");

    // Sampling, with nothing said: every joint where it is on average, moved along the path.
    let mut config = again;
    let own = config.diffusion.walk_spread.clone().expect("walks' own");
    let other = config.diffusion.spread.clone().expect("a spread");
    assert_ne!(own, other, "each mode is measured by itself");
    let generate = |config: &ModelConfig| {
        let checkpoint = Checkpoint {
            config: config.clone(),
            weights: checkpoint.weights.clone(),
            basis: checkpoint.basis.clone(),
        };
        checkpoint.save(folder.path(), false).expect("saved");
        let kept = Checkpoint::load(folder.path()).expect("loaded");
        let mut synthesizer =
            Synthesizer::new(kept, Box::new(Digested), Device::Cpu).expect("a synthesizer");
        let mut request = WalkRequest::to([2.0, 0.0]).seed(1);
        request.guidance = GuidanceConfig::off();
        request.sampling.steps = 1;
        walk(&mut synthesizer, &request)
    };
    let head = |clip: &MotionClip| {
        let heights = (1..clip.frames.len() - 1).map(|t| clip.joints(t)[joint::HEAD].z);
        heights.sum::<f32>() / (clip.frames.len() - 2) as f32
    };
    let raised = |mut spread: Spread| {
        for joint in 0..JOINTS {
            spread.mean[JOINT_POSITIONS.start + 3 * joint + 2] += 0.1;
        }
        Some(spread)
    };
    let low = head(&generate(&config));
    config.diffusion.spread = raised(other.clone());
    assert_eq!(
        head(&generate(&config)),
        low,
        "nobody walks in units of interactions"
    );
    config.diffusion.walk_spread = raised(own.clone());
    let high = head(&generate(&config));
    // The bounds' 3 m of height are two normalised units.
    assert!((high - low - 0.15).abs() < 0.02, "{low} to {high}");
    // Without units of their own walks have those of interactions, as before walks had any.
    (config.diffusion.spread, config.diffusion.walk_spread) = (Some(own.clone()), None);
    assert_eq!(head(&generate(&config)), low);

    let mut none = own.clone();
    none.deviation[7] = 0.0;
    for (spread, walk_spread, named) in [
        (Some(none.clone()), None, "diffusion.spread"),
        (Some(own.clone()), Some(none), "diffusion.walk_spread"),
        (None, Some(own), "diffusion.walk_spread"),
    ] {
        (config.diffusion.spread, config.diffusion.walk_spread) = (spread, walk_spread);
        let refused = config.validate().expect_err(named).to_string();
        assert!(refused.contains(named), "{refused}");
    }
}

#[test]
fn a_student_learns_what_its_teacher_says_and_resumes_exactly() {
    let data = data();
    let settings = TrainingConfig {
        batch: 4,
        steps: 6,
        warm_up: 0,
        decay: 0.0,
        walking: 0.5,
        keypoints: 4,
        ..TrainingConfig::default()
    };
    let checkpoint = tiny::walking_checkpoint();
    let model = &checkpoint.config;
    let begin = || {
        Trainer::distil(
            model.clone(),
            settings.clone(),
            Device::Cpu,
            &checkpoint.weights,
        )
        .expect("a run")
    };
    let mut whole = begin();
    whole.run(&data, |_, _| Ok(true)).expect("trained");
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state.safetensors");
    let mut half = begin();
    half.run(&data, |trainer, _| Ok(trainer.step_count() < 3))
        .expect("trained");
    half.save(&state).expect("saved");
    let mut rest = Trainer::resume(&state, Device::Cpu, None).expect("resumed");
    rest.run(&data, |_, _| Ok(true)).expect("trained");
    let each = || whole.average().iter().zip(rest.average().iter());
    assert!(each().all(|((_, a), (_, b))| a.equal(b)), "bit for bit");

    // The same windows over and over: what is said of both ends of the teacher's steps comes together.
    let mut student = begin();
    let mut rng = step_rng(1, 0);
    let choices: Vec<_> = data.windows(15).into_iter().take(4).collect();
    let batch = make_batch(&data, &choices, model, &settings, &mut rng);
    let losses: Vec<f64> = (0..40).map(|_| student.step(&batch).total).collect();
    assert!(losses.iter().all(|loss| loss.is_finite()));
    assert!(
        losses[39] < 0.7 * losses[0],
        "{} to {}",
        losses[0],
        losses[39]
    );

    let unfit = TrainingConfig {
        distillation: Some(Distillation {
            skip: 0,
            ..Distillation::default()
        }),
        ..settings
    };
    let refused = Trainer::distil(model.clone(), unfit, Device::Cpu, &checkpoint.weights);
    assert!(refused.is_err_and(|e| e.to_string().contains("distillation.skip")));
}

#[test]
fn only_walking_moves_only_the_person() {
    let mut synthesizer = tiny::walking_synthesizer();
    let clip = walk(&mut synthesizer, &WalkRequest::to([1.2, 0.0]));
    for frame in &clip.frames {
        assert_eq!(frame.object_position, Vector3::zeros());
        assert_eq!(frame.contact, [0.0; 4]);
    }
    assert!(fastest(&clip).is_finite());
}

#[test]
fn a_walk_keeps_out_of_a_scene_where_guidance_says_so() {
    let mut synthesizer = tiny::walking_synthesizer();
    let wall = tiny::cuboid([0.7, -1.0, 0.0], [0.3, 2.0, 2.0]);
    let grid = chois::geometry::SdfGrid::from_mesh(&wall, 24).expect("a grid");
    let request = WalkRequest::to([1.5, 0.0]).seed(2);
    let mut made = |scene| {
        let order = WalkOrder {
            request: &request,
            scene,
        };
        synthesizer
            .walk(&order, &mut |_| Flow::Continue)
            .expect("a walk")
            .clip
    };
    assert_ne!(made(None), made(Some(&grid)), "the scene has a say");
}

#[test]
fn damaged_captures_never_panic() {
    let skeleton = Skeleton::adult();
    let folder = capture_folder(&skeleton, 1);
    let text = std::fs::read(folder.path().join("step_0.bvh")).expect("read");
    let text = &text[..text.len().min(9_000)];
    let path = Path::new("a.bvh");
    let mut state = 1_u64;
    let mut random = |below: usize| {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 33) as usize % below
    };
    for _ in 0..400 {
        let mut bytes = text.to_vec();
        for _ in 0..=random(4) {
            let at = random(bytes.len());
            match random(3) {
                0 => bytes[at] = random(256) as u8,
                1 => bytes.truncate(at.max(1)),
                _ => {
                    let end = (at + random(40)).min(bytes.len());
                    bytes.drain(at..end);
                }
            }
            if bytes.is_empty() {
                break;
            }
        }
        // Whatever is read is whole.
        if let Ok(motion) = bvh::read::parse(&bytes, path) {
            let frames =
                (0..motion.frames.len()).all(|f| motion.world(f).len() == motion.bones.len());
            assert!(frames);
        }
    }
}

#[test]
fn the_shipped_model_walks_straight_round_corners_back_aside_and_far() {
    let mut synthesizer = contact_suite::synthesizer();
    let walks = [
        ("straight", WalkRequest::to([3.0, 0.0])),
        (
            "round a corner",
            WalkRequest::to([2.5, 2.5]).waypoints([[2.2, 0.3]]),
        ),
        ("backward", WalkRequest::to([-1.6, 0.0]).backward(true)),
        ("aside", WalkRequest::to([0.0, 0.7])),
        ("behind", WalkRequest::to([-2.5, 0.5]).facing(0.0)),
        (
            "far",
            WalkRequest::to([6.0, 2.0])
                .waypoints([[2.0, 1.0], [4.0, 0.5]])
                .seconds(8.0),
        ),
    ];
    for (name, request) in walks {
        let order = WalkOrder {
            request: &request,
            scene: None,
        };
        let made = synthesizer
            .walk(&order, &mut |_| Flow::Continue)
            .expect(name);
        let clip = &made.clip;
        let last = clip.frames.len() - 1;
        let joints: Vec<_> = (0..=last).map(|t| clip.joints(t)).collect();
        for (frame, waypoint) in made.plan.waypoint_frames.iter().zip(&request.waypoints) {
            let off = (joints[*frame][0].xy() - Vector2::from(waypoint.at)).norm();
            assert!(off < 0.05, "{name}: a waypoint is missed by {off} m");
        }
        let off = (joints[last][0].xy() - Vector2::from(request.end)).norm();
        assert!(off < 0.01, "{name}: the end is missed by {off} m");
        let facing = chois::request::walk_plan::facing(&clip.frames[last].pose);
        let turned = facing - made.plan.headings[last];
        assert!(turned.cos() > 0.98, "{name}: faces {turned} rad off");
        // The last pose is one to begin an interaction in: standing, feet side by side.
        let feet = (joints[last][joint::LEFT_ANKLE] - joints[last][joint::RIGHT_ANKLE]).norm();
        assert!(feet < 0.35, "{name}: feet are {feet} m apart at the end");
        let slides = foot_sliding(&joints, feet_height(&joints));
        assert!(slides < 0.0035, "{name}: FS {slides} m");
        for (t, pair) in joints.windows(2).enumerate() {
            let low = pair[1][joint::LEFT_TOE].z.min(pair[1][joint::RIGHT_TOE].z);
            assert!(low > 0.0, "{name}: {low} m under the floor at {t}");
            let most = (0..JOINTS)
                .map(|j| (pair[1][j] - pair[0][j]).norm())
                .fold(0.0, f32::max);
            assert!(most < 0.25, "{name}: a joint jumps {most} m at {t}");
        }
        // Legs take turns: each foot is in the air at some time.
        for toe in [joint::LEFT_TOE, joint::RIGHT_TOE] {
            let highest = joints.iter().map(|j| j[toe].z).fold(0.0, f32::max);
            assert!(highest > 0.05, "{name}: a foot is never lifted");
        }
    }
}
