//! Requests become clips: determinism, lengths, guidance, progress. The network is untrained, so what holds here holds
//! whatever the network says.

use chois::clip::write_clip;
use chois::diffusion::guidance::{
    Batch, GivenWay, Guided, InteractionGuide, SceneField, TurnGoal, WindowGuide,
};
use chois::diffusion::sampler::{Guide, Moment, Predict, Run, SeededNoise};
use chois::diffusion::window::{InteractionWindow, WindowInput, WindowTask};
use chois::diffusion::{Ancestral, Ddim, Flow, Progress, Sampler, Schedule};
use chois::geometry::{ObjectGeometry, SdfGrid};
use chois::motion::canonical::Canonical;
use chois::motion::features::{FEATURES, Orthonormal, Window};
use chois::motion::{Frame, MotionClip, WINDOW};
use chois::request::plan::{Plan, relaxed, stand};
use chois::request::{GuidanceConfig, InteractionRequest, Method};
use chois::skeleton::Pose;
use chois::synthesis::{Generated, Order, Synthesizer};
use chois::{Error, Result};
use chois_tests::tiny;
use nalgebra::{UnitQuaternion, Vector2, Vector3};
use tch::{Device, Tensor};

fn request() -> InteractionRequest {
    InteractionRequest::new("Lift the box, move the box, and put down the box.")
        .waypoints([[0.5, 0.1], [0.9, 0.4]])
        .end([1.1, 0.8, 0.3])
        .seed(7)
}

fn generate(synthesizer: &mut Synthesizer, request: &InteractionRequest) -> Generated {
    let object = tiny::object();
    let order = Order {
        request,
        object: &object,
        scene: None,
    };
    synthesizer
        .generate(&order, &mut |_| Flow::Continue)
        .expect("a clip")
}

fn bytes(clip: &MotionClip) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("clip.safetensors");
    write_clip(&path, clip).expect("written");
    std::fs::read(&path).expect("read")
}

fn centers(generated: &Generated, object: &ObjectGeometry) -> Vec<Vector3<f32>> {
    (generated.clip.frames.iter())
        .map(|f| f.object_rotation * object.center() + f.object_position)
        .collect()
}

#[test]
fn a_seed_gives_the_same_bits_and_another_seed_another_clip() {
    for method in [Method::FewStep, Method::Ddim] {
        let mut request = request().seconds(5.0);
        request.sampling.method = method;
        let mut synthesizer = tiny::synthesizer();
        let first = bytes(&generate(&mut synthesizer, &request).clip);
        // Neither what was generated in between nor a fresh synthesizer makes a difference.
        let other = bytes(&generate(&mut synthesizer, &request.clone().seed(8)).clip);
        assert!(first == bytes(&generate(&mut synthesizer, &request).clip));
        assert!(first == bytes(&generate(&mut tiny::synthesizer(), &request).clip));
        assert!(first != other, "{method:?}: another seed");
        request.text = "Kick the box.".to_owned();
        let other = bytes(&generate(&mut synthesizer, &request).clip);
        assert!(first != other, "{method:?}: another sentence");
    }
}

#[test]
fn long_requests_are_as_long_as_asked() {
    let mut synthesizer = tiny::synthesizer();
    for (seconds, windows) in [(1.0, 1), (2.5, 1), (4.0, 1), (4.1, 2), (7.6, 2), (8.0, 3)] {
        let request = request().waypoints([[0.2, 0.0]]).end([0.3, 0.1, 0.0]);
        let request = request.seconds(seconds);
        assert_eq!(request.window_starts().len(), windows, "{seconds} s");
        let clip = generate(&mut synthesizer, &request).clip;
        assert_eq!(clip.frames.len(), request.frames(), "{seconds} s");
        assert_eq!(clip.frames.len(), (seconds * 30.0).round() as usize);
        for (t, frame) in clip.frames.iter().enumerate() {
            let joints = clip.joints(t);
            let numbers = joints.iter().flatten().chain(&frame.object_position);
            assert!(numbers.chain(&frame.contact).all(|v| v.is_finite()));
            let turns = frame.pose.rotations.iter().chain([&frame.object_rotation]);
            assert!(turns.map(|q| q.norm()).all(|n| (n - 1.0).abs() < 1e-4));
            assert!(frame.contact.iter().all(|c| (0.0..=1.0).contains(c)));
        }
    }
}

#[test]
fn guidance_meets_what_is_given_and_off_does_not() {
    let mut synthesizer = tiny::synthesizer();
    let object = tiny::object();
    let offs = |generated: &Generated| -> Vec<f32> {
        let centers = centers(generated, &object);
        let plan = &generated.plan;
        let last = plan.path.len() - 1;
        let ends = [0, last].map(|t| (centers[t] - plan.center(t)).norm());
        let passed =
            (plan.waypoint_frames.iter()).map(|t| (centers[*t].xy() - plan.path[*t]).norm());
        passed.chain(ends).collect()
    };
    for method in [Method::FewStep, Method::Ddim] {
        let mut request = request();
        request.sampling.method = method;
        request.guidance = GuidanceConfig {
            given: 1.0,
            last_steps: 1,
            // The other terms are off: nothing is left to descend.
            iterations: 2,
            ..GuidanceConfig::off()
        };
        let guided = generate(&mut synthesizer, &request);
        for off in offs(&guided) {
            assert!(off < 1e-3, "{method:?}: {off} m off");
        }
        let first = &guided.clip.frames[0];
        let wanted = &guided.plan;
        assert!((first.pose.root - wanted.pose.root).norm() < 1e-3);
        for (got, want) in first.pose.rotations.iter().zip(&wanted.pose.rotations) {
            assert!(got.angle_to(want) < 1e-2);
        }
        assert!(first.object_rotation.angle_to(&wanted.rotation) < 1e-2);
        request.guidance = GuidanceConfig::off();
        let free = generate(&mut synthesizer, &request);
        assert!(
            offs(&free).iter().any(|off| *off > 0.02),
            "untrained weights go astray"
        );
        // With all terms at work the given places are met still.
        request.guidance = GuidanceConfig::default();
        for off in offs(&generate(&mut synthesizer, &request)) {
            assert!(off < 1e-3, "{method:?}: {off} m off");
        }
    }
}

#[test]
fn windows_of_a_batch_do_not_depend_on_their_neighbours() {
    let mut synthesizer = tiny::synthesizer();
    let sentence = synthesizer.sentence("Lift the box.").expect("a vector");
    let object = tiny::object();
    let guidances = [
        GuidanceConfig::off(),
        GuidanceConfig {
            last_steps: 1,
            ..GuidanceConfig::default()
        },
    ];
    let asked = guidances.map(|guidance| {
        [7, 8].map(|seed| InteractionRequest {
            guidance,
            seed,
            ..request()
        })
    });
    let skeleton = synthesizer.skeleton().clone();
    let input = |request: &InteractionRequest, index| {
        let checkpoint = synthesizer.checkpoint();
        let plan = Plan::new(request, &object, &skeleton, &relaxed()).expect("a plan");
        let mut window = Window {
            joints: vec![skeleton.forward(&plan.pose); WINDOW],
            rotations: vec![plan.pose.rotations; WINDOW],
            object_center: (0..WINDOW).map(|t| plan.center(t)).collect(),
            object_rotation: vec![plan.rotation; WINDOW],
            contact: vec![[0.0; 4]; WINDOW],
        };
        Canonical::of(&plan.pose.root, &plan.pose.rotations[0]).apply(&mut window);
        let reference = window.object_rotation[0];
        WindowInput {
            sampling: request.sampling,
            guidance: request.guidance,
            seed: request.seed,
            variations: &[],
            index,
            skeleton: &skeleton,
            sentence: sentence.clone(),
            features: window.encode(&checkpoint.config.statistics, &reference, WINDOW),
            length: WINDOW,
            keep: Vec::new(),
            held: Vec::new(),
            scene: None,
            task: WindowTask::Interaction(InteractionWindow {
                object: &object,
                reference,
                path_keys: Vec::new(),
                height_keys: Vec::new(),
                rest: [None; 2],
                standing: reference,
                ground: None,
                turn: None,
            }),
        }
    };
    let run = |inputs: &[WindowInput<'_>]| {
        let generator = synthesizer.generator();
        generator
            .windows(inputs, &mut |_| Flow::Continue)
            .expect("windows")
    };
    for [a, b] in &asked {
        let together = run(&[input(a, 0), input(b, 0), input(a, 1)]);
        for (i, (request, index)) in [(a, 0), (b, 0), (a, 1)].into_iter().enumerate() {
            let alone = run(&[input(request, index)]);
            let pairs = together[i].iter().zip(&alone[0]);
            let apart = pairs.filter(|(x, y)| (*x - *y).abs() > 1e-4).count();
            // A palm half way between two vertices may choose either: guidance takes the last bits seriously.
            let allowed = if a.guidance.is_off() { 0 } else { 200 };
            assert!(apart <= allowed, "window {i}: {apart} values");
        }
        assert!(far(&together[0], &together[1]) > 0.05, "another seed");
        assert!(far(&together[0], &together[2]) > 0.05, "another window");
    }
    assert!(run(&[]).is_empty());
}

fn far(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!((a.len(), b.len()), (WINDOW * FEATURES, WINDOW * FEATURES));
    a.iter()
        .zip(b)
        .map(|(x, y)| (x - y).abs())
        .fold(0.0, f32::max)
}

/// Predicts half of what it sees.
struct Half;

impl Predict for Half {
    fn predict(&self, x: &Tensor, _: usize) -> Tensor {
        x * 0.5
    }
}

fn sample(
    sampler: &dyn Sampler,
    schedule: &Schedule,
    progress: &mut dyn FnMut(Progress) -> Flow,
) -> Result<Tensor> {
    sampler.sample(&mut Run {
        schedule,
        predictor: &Half,
        guide: None,
        noise: &mut SeededNoise::new(3, Device::Cpu),
        shape: (1, 4),
        start: None,
        keep: None,
        inpaint: None,
        clamp: true,
        progress,
    })
}

#[test]
fn every_sampler_tells_each_step_once_and_stops_when_told() {
    let schedule = Schedule::cosine(40);
    let ddim = Ddim {
        steps: 13,
        ..Ddim::published()
    };
    let samplers: [(&dyn Sampler, usize); 5] = [
        (&Ancestral, 40),
        (&ddim, 13),
        (&Ddim::few(1), 1),
        (&Ddim::few(8), 8),
        (&Ddim::few(40), 40),
    ];
    for (sampler, total) in samplers {
        let mut told = Vec::new();
        let out = sample(sampler, &schedule, &mut |p| {
            told.push(p);
            Flow::Continue
        })
        .expect("a sample");
        let expected: Vec<_> = (1..=total).map(|done| Progress { done, total }).collect();
        assert_eq!(told, expected);
        assert_eq!(out.size(), [1, 4, FEATURES as i64]);
        let again = sample(sampler, &schedule, &mut |_| Flow::Continue).expect("a sample");
        assert!(out == again, "the same bits");
        for last in [1, total.div_ceil(2), total] {
            let mut made = 0;
            let result = sample(sampler, &schedule, &mut |p| {
                made += 1;
                if p.done == last {
                    Flow::Cancel
                } else {
                    Flow::Continue
                }
            });
            assert!(matches!(result, Err(Error::Cancelled)));
            assert_eq!(made, last);
        }
    }
    for steps in [0, 41] {
        let error = sample(&Ddim::few(steps), &schedule, &mut |_| Flow::Continue)
            .expect_err("no such number of steps")
            .to_string();
        assert!(error.contains("between 1 and the schedule's 40"), "{error}");
    }
}

#[test]
fn progress_of_many_windows_is_one_count() {
    let mut synthesizer = tiny::synthesizer();
    let object = tiny::object();
    for (method, steps) in [(Method::FewStep, 4), (Method::Ddim, 6)] {
        let mut request = request().seconds(8.0);
        request.sampling.method = method;
        request.sampling.steps = steps;
        let order = Order {
            request: &request,
            object: &object,
            scene: None,
        };
        let total = steps * request.window_starts().len();
        let mut told = Vec::new();
        synthesizer
            .generate(&order, &mut |p| {
                told.push(p);
                Flow::Continue
            })
            .expect("a clip");
        let expected: Vec<_> = (1..=total).map(|done| Progress { done, total }).collect();
        assert_eq!(told, expected, "{method:?}");
    }
}

/// How deep points of the canonical frame are in a grid, metres, summed.
fn depth(grid: &SdfGrid, canonical: &Canonical, points: &[Vector3<f32>]) -> f32 {
    let scene = points.iter().map(|p| canonical.point_back(p));
    scene.map(|p| (-grid.query(&p)).max(0.0)).sum()
}

#[test]
fn the_scene_term_pushes_body_and_object_out_of_a_box() {
    // A wall of half a metre, and a person who stands in its face with a box in hand.
    let wall = tiny::cuboid([-1.0, 0.0, -0.1], [2.0, 0.5, 2.1]);
    let grid = SdfGrid::from_mesh(&wall, 48).expect("a grid");
    let checkpoint = tiny::checkpoint();
    let skeleton = checkpoint.skeleton();
    let statistics = &checkpoint.config.statistics;
    let object = tiny::object();
    let pose = stand(&skeleton, &relaxed(), Vector2::new(0.1, -0.02), 0.3);
    let mut window = Window {
        joints: vec![skeleton.forward(&pose); WINDOW],
        rotations: vec![pose.rotations; WINDOW],
        object_center: vec![Vector3::new(0.6, -0.1, 1.3); WINDOW],
        object_rotation: vec![UnitQuaternion::identity(); WINDOW],
        contact: vec![[0.0; 4]; WINDOW],
    };
    let canonical = Canonical::of(&pose.root, &pose.rotations[0]);
    canonical.apply(&mut window);
    let reference = window.object_rotation[0];
    let x = window.encode(statistics, &reference, WINDOW);
    let shapes = |x: &[f32]| {
        let w = Window::decode(x, statistics, &reference, Orthonormal::Nearest);
        let mut joints = Vec::new();
        let mut vertices = Vec::new();
        for t in 0..WINDOW {
            let pose = Pose {
                root: w.joints[t][0],
                rotations: w.rotations[t],
            };
            joints.extend(skeleton.forward(&pose));
            let place = |v: &Vector3<f32>| w.object_rotation[t] * v + w.object_center[t];
            vertices.extend(object.vertices().iter().map(place));
        }
        [joints, vertices]
    };
    let guided = |config: GuidanceConfig, scene: Option<SceneField<'_>>| {
        let ends = || vec![0, WINDOW - 1];
        let given = GivenWay {
            values: &x,
            places: ends(),
            heights: ends(),
            rest: [None; 2],
            standing: reference,
            ground: None,
            turn: None,
            kept: 0,
        };
        let guide = InteractionGuide::new(
            statistics, &skeleton, &object, &reference, config, given, scene,
        );
        let at = |remaining| Moment {
            step: 0,
            remaining,
            variance: 0.0,
        };
        let mut x = x.clone();
        // What stands about is kept out of from four steps before.
        let early = at(config.last_steps + 4);
        assert!(!guide.guide(&mut x, early), "not yet");
        assert!(guide.guide(&mut x, at(0)), "guided");
        x
    };
    let field = SceneField::new(&grid, canonical);
    let config = GuidanceConfig {
        scene: 0.5,
        last_steps: 1,
        iterations: 20,
        ..GuidanceConfig::off()
    };
    let depths = |x: &[f32]| shapes(x).map(|points| depth(&grid, &canonical, &points));
    let before = depths(&x);
    assert!(before.iter().all(|d| *d > 1.0), "{before:?} m in the wall");
    let once = depths(&guided(
        GuidanceConfig {
            iterations: 1,
            ..config
        },
        Some(field),
    ));
    let after = depths(&guided(config, Some(field)));
    for what in 0..2 {
        assert!(once[what] < before[what], "{before:?} {once:?}");
        assert!(
            after[what] < 0.5 * before[what],
            "{before:?} {once:?} {after:?}"
        );
    }
    // Without a scene, and for what stands free of it, nothing moves.
    let moved = |x: &[f32], y: &[f32]| {
        let off = x.iter().zip(y).map(|(x, y)| (x - y).abs());
        off.fold(0.0, f32::max)
    };
    assert!(moved(&guided(config, None), &x) < 1e-6);
    let away = Canonical {
        origin: canonical.origin + canonical.rotation * Vector3::new(0.0, -3.0, 0.0),
        ..canonical
    };
    let field = SceneField::new(&grid, away);
    assert!(moved(&guided(config, Some(field)), &x) < 1e-6);
}

/// What the network says of frames that do not exist is no pose: hands do not hold there, and nothing comes to rest.
#[test]
fn guidance_sees_no_frames_that_do_not_exist() {
    let checkpoint = tiny::checkpoint();
    let skeleton = checkpoint.skeleton();
    let statistics = &checkpoint.config.statistics;
    let object = tiny::object();
    let pose = stand(&skeleton, &relaxed(), Vector2::new(0.1, -0.02), 0.3);
    let length = 70;
    let turn = |t: usize| UnitQuaternion::from_axis_angle(&Vector3::z_axis(), 0.02 * t as f32);
    let window = Window {
        joints: vec![skeleton.forward(&pose); length],
        rotations: vec![pose.rotations; length],
        object_center: (0..length)
            .map(|t| Vector3::new(0.2 + 0.01 * t as f32, -0.5, 0.6))
            .collect(),
        object_rotation: (0..length).map(turn).collect(),
        contact: vec![[1.0, 1.0, 0.0, 0.0]; length],
    };
    let reference = window.object_rotation[0];
    let x = window.encode(statistics, &reference, WINDOW);
    let given = &x[..length * FEATURES];
    let guided = |beyond: f32| {
        let way = GivenWay {
            values: given,
            places: vec![0, 30, length - 1],
            heights: vec![0, length - 1],
            rest: [Some(8), Some(length - 15)],
            standing: reference,
            ground: None,
            turn: Some(TurnGoal {
                angle: 1.0,
                alike: 1,
                share: 1.0,
            }),
            kept: 0,
        };
        let guide = InteractionGuide::new(
            statistics,
            &skeleton,
            &object,
            &reference,
            GuidanceConfig::default(),
            way,
            None,
        );
        let batch = Batch(vec![Some(Guided {
            guide: Box::new(guide),
            frames: length,
        })]);
        let mut said = x.clone();
        said[length * FEATURES..].fill(beyond);
        let said = Tensor::from_slice(&said).view([1, WINDOW as i64, FEATURES as i64]);
        let at = Moment {
            step: 0,
            remaining: 0,
            variance: 0.0,
        };
        let out = batch.guide(&said, at).expect("there is something to do");
        Vec::<f32>::try_from(&out.view(-1)).expect("numbers")
    };
    let (a, b) = (guided(0.0), guided(0.7));
    assert_eq!(a[..length * FEATURES], b[..length * FEATURES]);
    assert!(a[length * FEATURES..].iter().all(|v| *v == 0.0));
    assert_ne!(a[..length * FEATURES], *given);
}

#[test]
fn scenes_change_a_whole_run() {
    let mut synthesizer = tiny::synthesizer();
    let object = tiny::object();
    let wall = tiny::cuboid([-2.0, -2.0, -0.5], [4.0, 4.0, 2.0]);
    let scene = SdfGrid::from_mesh(&wall, 24).expect("a grid");
    let request = request();
    let mut clip = |scene| {
        let order = Order {
            request: &request,
            object: &object,
            scene,
        };
        synthesizer
            .generate(&order, &mut |_| Flow::Continue)
            .expect("a clip")
            .clip
    };
    let (free, within) = (clip(None), clip(Some(&scene)));
    let lowest = |clip: &MotionClip| -> f32 {
        let roots = clip.frames[30..].iter().map(|f| f.pose.root.z);
        roots.sum::<f32>()
    };
    assert!(lowest(&within) != lowest(&free));
    assert_eq!(within.frames.len(), free.frames.len());
}

#[test]
fn one_step_is_enough_for_a_clip() {
    let mut synthesizer = tiny::synthesizer();
    for method in [Method::FewStep, Method::Ddim] {
        let mut request = request();
        request.sampling.method = method;
        request.sampling.steps = 1;
        assert_eq!(
            generate(&mut synthesizer, &request).clip.frames.len(),
            WINDOW
        );
    }
}

#[test]
fn the_published_sampler_makes_every_step_of_the_schedule() {
    let mut checkpoint = tiny::checkpoint();
    checkpoint.config.diffusion.steps = 30;
    let encoder = Box::new(tiny::Digested);
    let mut synthesizer =
        Synthesizer::new(checkpoint, encoder, Device::Cpu).expect("a synthesizer");
    let object = tiny::object();
    let mut request = request();
    request.sampling.method = Method::Ancestral;
    let order = Order {
        request: &request,
        object: &object,
        scene: None,
    };
    let mut steps = 0;
    let mut run = || {
        synthesizer.generate(&order, &mut |p| {
            steps = p.done;
            Flow::Continue
        })
    };
    let (first, second) = (run().expect("a clip"), run().expect("a clip"));
    assert_eq!(steps, 30);
    assert!(bytes(&first.clip) == bytes(&second.clip));
}

#[test]
fn the_object_ends_turned_as_asked() {
    use chois_tests::contact_suite::{assets, object, synthesizer};

    let mut synthesizer = synthesizer();
    let chair = object(&assets().join("objects/chair.glb"), &Default::default());
    let text = "Lift the woodchair, move the woodchair, and put down the woodchair.";
    for (yaw, seconds) in [(-70.0, 4.0), (120.0, 4.0), (90.0, 8.0)] {
        let request = InteractionRequest::new(text)
            .waypoints([[0.5, 0.1], [0.9, 0.4]])
            .end([1.2, 0.7, 0.0])
            .end_yaw(yaw)
            .seconds(seconds)
            .seed(5);
        let order = Order {
            request: &request,
            object: chair.geometry(),
            scene: None,
        };
        let clip = synthesizer
            .generate(&order, &mut |_| Flow::Continue)
            .expect("a clip")
            .clip;
        let last = clip.frames.last().expect("frames");
        let wanted = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), yaw.to_radians());
        let off = last.object_rotation.angle_to(&wanted).to_degrees();
        assert!(off < 8.0, "{yaw} degrees in {seconds} s: {off} off");
        // It turns under way, not at once.
        let fastest = (clip.frames.windows(2))
            .map(|w| w[0].object_rotation.angle_to(&w[1].object_rotation))
            .fold(0.0, f32::max);
        assert!(fastest < 0.12, "{fastest} rad in a frame");
        // And the palms go with it.
        let near = (40..80).filter(|&f| {
            let frame = &clip.frames[f];
            let local =
                frame.object_rotation.inverse() * (clip.joints(f)[22] - frame.object_position);
            chair
                .surface()
                .signed_distance(&(local - chair.geometry().center()))
                < 0.3
        });
        assert!(near.count() > 30, "{yaw} degrees: the hand is left behind");
    }
    let mut request = InteractionRequest::new(text).end_yaw(f32::NAN);
    assert!(request.validate().is_err());
    request = InteractionRequest::new(text).end_yaw(10.0);
    request.end_turn.as_mut().expect("a turn").alike = 0;
    let error = request.validate().expect_err("no way to look").to_string();
    assert!(error.contains("end_turn.alike"), "{error}");
}

/// What is in hand at the start is on its way at once, and asks for the pose that holds it.
#[test]
fn what_is_in_hand_goes_at_once() {
    let mut synthesizer = tiny::synthesizer();
    let object = tiny::object();
    let text = "Lift the box, move the box, and put down the box.";
    let free = InteractionRequest::new(text).end([1.2, 0.0, 0.0]);
    let held = free.clone().start([0.0, 0.0, 0.7]).in_hand(true, false);
    let plan = |request: &InteractionRequest| {
        synthesizer.plan(&Order {
            request,
            object: &object,
            scene: None,
        })
    };
    let refused = plan(&held).expect_err("no pose");
    assert!(refused.to_string().contains("in_hand.start"), "{refused}");
    let held = held.pose(plan(&free).expect("a plan").pose);
    let mut gone = |request: &InteractionRequest| {
        let frames = generate(&mut synthesizer, request).clip.frames;
        (frames[20].object_position - frames[0].object_position)
            .xy()
            .norm()
    };
    assert!(gone(&held) > 0.1);
    assert!(gone(&free) < 0.02);
}

/// What is pushed stays on what it stands on, whatever the network says; what is lifted does not.
#[test]
fn what_is_pushed_is_not_lifted() {
    let mut synthesizer = tiny::synthesizer();
    let object = tiny::object();
    // How far it is lifted. How far it sinks says nothing: an untrained network's matrices are no rotations, so that this is
    // within centimetres too.
    let mut lifted = |text: &str, z: f32, held_down: bool| {
        let mut request = InteractionRequest::new(text)
            .start([0.0, 0.0, z])
            .end([1.2, 0.0, z]);
        if !held_down {
            request.guidance.object_floor = 0.0;
        }
        let clip = generate(&mut synthesizer, &request).clip;
        let lowest = |f: &Frame| {
            let center = f.object_position + f.object_rotation * object.center();
            center.z + object.lowest(&f.object_rotation) - z
        };
        clip.frames.iter().map(lowest).fold(f32::MIN, f32::max)
    };
    let push = "Push the box, and set it back down.";
    for z in [0.0, 0.7] {
        let [down, free] = [true, false].map(|held_down| lifted(push, z, held_down));
        assert!(down < 0.05 && free > 0.15, "{down}, {free} over {z}");
    }
    let high = lifted(
        "Lift the box, move the box, and put down the box.",
        0.0,
        true,
    );
    assert!(high > 0.5, "{high}");
}
