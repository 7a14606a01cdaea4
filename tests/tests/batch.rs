//! Several orders at once: each gets what it would have got alone.

use chois::diffusion::{Flow, Progress};
use chois::motion::{MotionClip, WINDOW};
use chois::request::{GuidanceConfig, InteractionRequest, Method, window_starts};
use chois::synthesis::{Generated, Order, Synthesizer};
use chois::{Error, Result};
use chois_tests::tiny;

fn request(seed: u64) -> InteractionRequest {
    InteractionRequest::new("Lift the box, move the box, and put down the box.")
        .waypoints([[0.5, 0.1], [0.9, 0.4]])
        .end([1.1, 0.8, 0.3])
        .seed(seed)
}

/// Results in the order of the requests, and in which order they came.
fn batch(
    synthesizer: &mut Synthesizer,
    requests: &[InteractionRequest],
    progress: &mut dyn FnMut(usize, Progress) -> Flow,
) -> (Vec<Result<Generated>>, Vec<usize>) {
    let object = tiny::object();
    let orders: Vec<_> = requests
        .iter()
        .map(|request| Order {
            request,
            object: &object,
            scene: None,
        })
        .collect();
    let mut results: Vec<_> = requests.iter().map(|_| None).collect();
    let mut came = Vec::new();
    synthesizer.generate_batch(&orders, progress, &mut |index, result| {
        assert!(results[index].is_none(), "order {index} is told of twice");
        results[index] = Some(result);
        came.push(index);
    });
    let results = results.into_iter().map(|r| r.expect("told of")).collect();
    (results, came)
}

/// Furthest that a joint or the object's origin is apart, metres.
fn apart(a: &MotionClip, b: &MotionClip) -> f32 {
    assert_eq!(a.frames.len(), b.frames.len());
    (0..a.frames.len())
        .flat_map(|t| {
            let joints = (a.joints(t).into_iter().zip(b.joints(t))).map(|(a, b)| (a - b).norm());
            let object = a.frames[t].object_position - b.frames[t].object_position;
            joints.chain([object.norm()])
        })
        .fold(0.0, f32::max)
}

#[test]
fn a_clip_of_a_batch_is_the_clip_made_alone() {
    let mut synthesizer = tiny::synthesizer();
    // Of different lengths, so that groups part and meet; of different guidance; one with a sampler of its own.
    let mut requests = vec![
        request(1),
        request(2).seconds(8.0),
        request(3).seconds(2.5),
        request(4).seconds(7.6),
        request(5).seconds(8.0),
        request(6),
    ];
    requests[1].guidance = GuidanceConfig::off();
    requests[5].sampling.method = Method::Ddim;
    let (together, _) = batch(&mut synthesizer, &requests, &mut |_, _| Flow::Continue);
    for (request, made) in requests.iter().zip(together) {
        let made = made.expect("a clip");
        let (mut alone, _) = batch(
            &mut synthesizer,
            std::slice::from_ref(request),
            &mut |_, _| Flow::Continue,
        );
        let alone = alone.remove(0).expect("a clip");
        assert_eq!(made.plan, alone.plan);
        let apart = apart(&made.clip, &alone.clip);
        println!(
            "{} s, seed {}: {apart:.2e} m",
            request.seconds, request.seed
        );
        // A palm half way between two vertices may choose either: guidance takes the last bits seriously.
        assert!(
            apart
                < if request.guidance.is_off() {
                    1e-4
                } else {
                    1e-2
                },
            "{apart} m"
        );
    }
}

#[test]
fn what_one_order_cannot_have_the_others_do() {
    let mut synthesizer = tiny::synthesizer();
    let mut requests = vec![request(1), request(2), request(3), request(4)];
    requests[0].text = String::new();
    requests[2].sampling.steps = 5000;
    let mut told = [0; 4];
    let (results, _) = batch(&mut synthesizer, &requests, &mut |index, _| {
        told[index] += 1;
        Flow::Continue
    });
    let message = |i: usize| results[i].as_ref().expect_err("refused").to_string();
    assert!(message(0).starts_with("text: is empty"), "{}", message(0));
    assert!(
        message(2).starts_with("sampling.steps: 5000"),
        "{}",
        message(2)
    );
    assert!(results[1].is_ok() && results[3].is_ok());
    assert_eq!(told, [0, 8, 0, 8]);
}

#[test]
fn cancelling_one_leaves_the_others_and_cancelling_all_stops() {
    let mut synthesizer = tiny::synthesizer();
    let requests = [request(1).seconds(8.0), request(2).seconds(8.0)];
    let mut heard = [0; 2];
    let (results, came) = batch(&mut synthesizer, &requests, &mut |index, p| {
        heard[index] += 1;
        if index == 0 && p.done == 3 {
            Flow::Cancel
        } else {
            Flow::Continue
        }
    });
    assert!(matches!(results[0], Err(Error::Cancelled)));
    let whole = results[1].as_ref().expect("a clip");
    assert_eq!(whole.clip.frames.len(), 240);
    assert_eq!(heard, [3, 24], "a cancelled order is heard of no more");
    assert_eq!(came, [0, 1], "and ends with the window it was in");

    let mut steps = 0;
    let (results, _) = batch(&mut synthesizer, &requests, &mut |_, _| {
        steps += 1;
        Flow::Cancel
    });
    assert!(results.iter().all(|r| matches!(r, Err(Error::Cancelled))));
    assert_eq!(steps, 2, "one step, told to both");
}

#[test]
fn short_orders_are_not_held_up_by_long_ones() {
    let mut synthesizer = tiny::synthesizer();
    let requests = [
        request(1).seconds(12.0),
        request(2),
        request(3).seconds(7.6),
    ];
    let (results, came) = batch(&mut synthesizer, &requests, &mut |_, _| Flow::Continue);
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(came, [1, 2, 0]);
    let (none, _) = batch(&mut synthesizer, &[], &mut |_, _| Flow::Continue);
    assert!(none.is_empty());
}

#[test]
fn what_is_streamed_is_the_beginning_of_what_comes_whole() {
    let mut synthesizer = tiny::synthesizer();
    let object = tiny::object();
    // Windows: five, and one.
    let mut requests = [request(6).seconds(18.0), request(7).seconds(3.0)];
    for request in &mut requests {
        // Feet stand where they stand longest, which the last frames of a part do not tell yet.
        request.guidance = GuidanceConfig::off();
    }
    let orders: Vec<_> = requests
        .iter()
        .map(|request| Order {
            request,
            object: &object,
            scene: None,
        })
        .collect();
    let whole: Vec<_> = (orders.iter())
        .map(|order| synthesizer.generate(order, &mut |_| Flow::Continue))
        .map(|made| made.expect("a clip").clip)
        .collect();
    for (order, whole) in orders.iter().zip(&whole) {
        let mut parts = Vec::new();
        let mut last = None;
        synthesizer.generate_streamed(
            &[*order],
            &mut |_, _| Flow::Continue,
            &mut |index, part| {
                assert_eq!(index, 0);
                parts.push(part.clip);
            },
            &mut |_, made| last = Some(made.expect("a clip").clip),
        );
        assert_eq!(last.as_ref(), Some(whole), "the same bits");
        // After one window, two and four; of one window there is no part.
        let windows = window_starts(whole.frames.len());
        let ends: Vec<usize> = [1, 2, 4]
            .into_iter()
            .filter(|made| *made < windows.len())
            .map(|made| windows[made - 1] + WINDOW)
            .collect();
        let lengths: Vec<usize> = parts.iter().map(|part| part.frames.len()).collect();
        assert_eq!(lengths, ends);
        for part in &parts {
            let mut beginning = whole.clone();
            beginning.frames.truncate(part.frames.len());
            let off = apart(part, &beginning);
            assert!(off < 2e-3, "{off} m in {lengths:?}");
        }
    }
}
