//! Sixty commands in three rooms, from the sentence to the last clip.
//!
//! `cargo bench --profile dev -p chois_tests --bench errands`; with `-- --model FOLDER` another checkpoint than the shipped one,
//! with `-- --only TEXT` only commands that have it, with `-- --dump FOLDER` a file of each command's plan and motion
//! (JSON: outlines, ways, joints), to be drawn, with `-- --threads N` on other than two threads.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use chois::command::Grammar;
use chois::skeleton::NAMES;
use chois::synthesis::Synthesizer;
use chois::text::MiniLm;
use chois_tests::contact_suite::assets;
use chois_tests::errands::{COMMANDS, Deepest, Doer, Outcome, TURN};
use chois_tests::rooms::room;
use nalgebra::Vector3;
use serde_json::json;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let value = |name: &str| {
        let at = arguments.iter().position(|a| a == name)?;
        arguments.get(at + 1).cloned()
    };
    let model =
        value("--model").map_or_else(|| assets().join("models/chois-compact"), PathBuf::from);
    let only = value("--only").unwrap_or_default();
    let dump = value("--dump").map(PathBuf::from);
    let threads = value("--threads").and_then(|n| n.parse().ok()).unwrap_or(2);
    tch::set_num_threads(threads);
    let synthesizer = Synthesizer::load(&model, None, tch::Device::Cpu).expect("a checkpoint");
    let encoder = MiniLm::load(&MiniLm::default_folder()).expect("the sentence encoder");
    let mut doer = Doer::new(synthesizer, Grammar::new(Some(Box::new(encoder))));
    let mut outcomes: Vec<Outcome> = Vec::new();
    for (name, commands) in COMMANDS {
        let at_first = room(name);
        let began = Instant::now();
        doer.enter(&at_first);
        println!("{name}: looked over in {:?}", began.elapsed());
        for (k, text) in commands.iter().enumerate() {
            if !text.contains(&only) && !name.contains(&only) {
                continue;
            }
            // Each in the room as it is at first: what one leaves behind is not the next one's affair.
            let mut scene = at_first.clone();
            let outcome = doer.carry_out(name, text, &mut scene, k as u64);
            println!("{}", line(&outcome));
            if let Some(folder) = &dump {
                let path = folder.join(format!("{name}-{k:02}.json"));
                std::fs::write(path, drawn(&outcome).to_string()).expect("a file");
            }
            outcomes.push(outcome);
        }
    }
    summary(&outcomes);
}

fn line(o: &Outcome) -> String {
    let verdict = if o.done() { "ok  " } else { "MISS" };
    if let Some(reason) = o.refused.as_ref().or(o.already.as_ref()) {
        return format!("{verdict} {}: {} - {reason}", o.room, o.text);
    }
    let clips: Vec<String> = (o.clips.iter())
        .map(|(name, seconds)| format!("{name} {seconds:.1}"))
        .collect();
    let off = o.off.map_or_else(String::new, |(way, turn)| {
        format!(", off {:.1} cm {:.0} deg", way * 100.0, turn.to_degrees())
    });
    let astray =
        (o.astray).map_or_else(String::new, |way| format!(", astray {:.1} cm", way * 100.0));
    format!(
        "{verdict} {}: {} - {}{off}{astray}, item in {} {:.1} cm ({}:{}), {} in {} {:.1} cm ({}:{}; before hands held {} {:.1} cm, {}:{}), thought {} ms ({}), first {} ms, all {} ms",
        o.room,
        o.text,
        clips.join(", "),
        o.item_depth.what,
        o.item_depth.metres * 100.0,
        o.item_depth.clip,
        o.item_depth.frame,
        o.body_depth.bone.map_or("body", |j| NAMES[j]),
        o.body_depth.what,
        o.body_depth.metres * 100.0,
        o.body_depth.clip,
        o.body_depth.frame,
        o.model_depth.bone.map_or("body", |j| NAMES[j]),
        o.model_depth.metres * 100.0,
        o.model_depth.clip,
        o.model_depth.frame,
        o.thought.as_millis(),
        o.thinking.map(|t| t.as_millis().to_string()).join(" + "),
        o.first.as_millis(),
        o.all.as_millis(),
    )
}

/// A command's plan and motion in numbers: metres, Z up.
fn drawn(o: &Outcome) -> serde_json::Value {
    let flat = |points: &[Vector3<f32>]| -> Vec<[f32; 3]> {
        points.iter().map(|p| [p.x, p.y, p.z]).collect()
    };
    let legs = o.made.iter().map(|made| {
        let outlines: Vec<_> = (made.standing.iter())
            .map(|(name, heights, area)| {
                let rings: Vec<Vec<[f32; 2]>> = (area.outlines().iter())
                    .map(|ring| ring.iter().map(|c| [c.x, c.y]).collect())
                    .collect();
                json!({ "name": name, "heights": heights, "rings": rings })
            })
            .collect();
        let joints: Vec<_> = (0..made.clip.frames.len())
            .map(|f| flat(&made.clip.joints(f)))
            .collect();
        let object: Vec<_> = (made.clip.frames.iter())
            .map(|f| {
                [
                    f.object_position.x,
                    f.object_position.y,
                    f.object_position.z,
                ]
            })
            .collect();
        let yaws: Vec<f32> = (made.clip.frames.iter())
            .map(|f| f.object_rotation.euler_angles().2.to_degrees())
            .collect();
        json!({ "leg": made.leg, "standing": outlines, "joints": joints, "object": object, "yaws": yaws, "model_turn": made.model_turn })
    });
    let deepest = |d: &Deepest| json!({ "metres": d.metres, "in": d.what, "bone": d.bone.map(|j| NAMES[j]), "clip": d.clip, "frame": d.frame });
    json!({
        "line": line(o),
        "body": deepest(&o.body_depth),
        "item": deepest(&o.item_depth),
        "legs": legs.collect::<Vec<_>>(),
    })
}

fn summary(outcomes: &[Outcome]) {
    let count = outcomes.len();
    let of = |what: &dyn Fn(&Outcome) -> bool| outcomes.iter().filter(|o| what(o)).count();
    let already = of(&|o| o.already.is_some());
    let acted = |o: &&Outcome| o.refused.is_none() && o.already.is_none();
    let acted: Vec<&Outcome> = outcomes.iter().filter(acted).collect();
    let refused = count - already - acted.len();
    println!("{count} commands: {refused} refused, {already} were done already");
    println!(
        "item within 15 cm: {} of {}",
        of(&|o| o.off.is_some_and(|f| f.0 < 0.15)),
        of(&|o| o.off.is_some())
    );
    println!(
        "item within 15 degrees: {} of {}",
        of(&|o| o.off.is_some_and(|f| f.1 < TURN)),
        of(&|o| o.off.is_some())
    );
    println!(
        "walks that end within 15 cm: {} of {}",
        of(&|o| o.astray.is_some_and(|w| w < 0.15)),
        of(&|o| o.astray.is_some())
    );
    println!(
        "item nowhere deeper than 2 cm: {} of {}",
        acted.iter().filter(|o| o.item_depth.metres < 0.02).count(),
        acted.len()
    );
    println!(
        "body nowhere deeper than 2 cm: {} of {}",
        acted.iter().filter(|o| o.body_depth.metres < 0.02).count(),
        acted.len()
    );
    println!(
        "clips made again: {}",
        outcomes.iter().map(|o| o.tries).sum::<usize>()
    );
    println!("all of it: {} of {count}", of(&Outcome::done));
    let mut thought: Vec<Duration> = acted.iter().map(|o| o.thought).collect();
    let mut first: Vec<Duration> = acted.iter().map(|o| o.first).collect();
    thought.sort();
    first.sort();
    for (k, what) in ["sentence", "map", "ways", "distances"].iter().enumerate() {
        let mut part: Vec<Duration> = acted.iter().map(|o| o.thinking[k]).collect();
        part.sort();
        if let Some(most) = part.last() {
            println!("{what}: median {:?}, most {most:?}", part[part.len() / 2]);
        }
    }
    if let (Some(t), Some(f)) = (thought.get(thought.len() / 2), first.get(first.len() / 2)) {
        println!(
            "understood and planned: median {t:?}, most {:?}; first clip: median {f:?}, most {:?}",
            thought[thought.len() - 1],
            first[first.len() - 1]
        );
    }
}
