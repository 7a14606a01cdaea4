//! Sixty commands in three rooms, from the sentence to the last clip.
//!
//! `cargo bench --profile dev -p chois_tests --bench errands`; with `-- --model FOLDER` another checkpoint than the shipped one,
//! with `-- --only TEXT` only commands that have it.

use std::path::PathBuf;
use std::time::Duration;

use chois::command::Grammar;
use chois::skeleton::NAMES;
use chois::synthesis::Synthesizer;
use chois::text::MiniLm;
use chois_tests::contact_suite::assets;
use chois_tests::errands::{COMMANDS, Doer, Outcome, TURN};
use chois_tests::rooms::room;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let value = |name: &str| {
        let at = arguments.iter().position(|a| a == name)?;
        arguments.get(at + 1).cloned()
    };
    let model =
        value("--model").map_or_else(|| assets().join("models/chois-compact"), PathBuf::from);
    let only = value("--only").unwrap_or_default();
    tch::set_num_threads(2);
    let synthesizer = Synthesizer::load(&model, None, tch::Device::Cpu).expect("a checkpoint");
    let encoder = MiniLm::load(&MiniLm::default_folder()).expect("the sentence encoder");
    let mut doer = Doer::new(synthesizer, Grammar::new(Some(Box::new(encoder))));
    let mut outcomes: Vec<Outcome> = Vec::new();
    for (name, commands) in COMMANDS {
        let at_first = room(name);
        for (k, text) in commands.iter().enumerate() {
            if !text.contains(&only) && !name.contains(&only) {
                continue;
            }
            // Each in the room as it is at first: what one leaves behind is not the next one's affair.
            let mut scene = at_first.clone();
            let outcome = doer.carry_out(name, text, &mut scene, k as u64);
            println!("{}", line(&outcome));
            outcomes.push(outcome);
        }
    }
    summary(&outcomes);
}

fn line(o: &Outcome) -> String {
    let verdict = if o.done() { "ok  " } else { "MISS" };
    if let Some(reason) = &o.refused {
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
        "{verdict} {}: {} - {}{off}{astray}, item in {} {:.1} cm ({}:{}), {} in {} {:.1} cm ({}:{}), thought {} ms, first {} ms, all {} ms",
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
        o.thought.as_millis(),
        o.first.as_millis(),
        o.all.as_millis(),
    )
}

fn summary(outcomes: &[Outcome]) {
    let count = outcomes.len();
    let of = |what: &dyn Fn(&Outcome) -> bool| outcomes.iter().filter(|o| what(o)).count();
    let acted: Vec<&Outcome> = outcomes.iter().filter(|o| o.refused.is_none()).collect();
    println!("{count} commands: {} refused", count - acted.len());
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
        of(&|o| o.refused.is_none() && o.item_depth.metres < 0.02),
        acted.len()
    );
    println!(
        "body nowhere deeper than 2 cm: {} of {}",
        of(&|o| o.refused.is_none() && o.body_depth.metres < 0.02),
        acted.len()
    );
    println!(
        "all of it (but the turn): {} of {count}",
        of(&Outcome::done)
    );
    let mut thought: Vec<Duration> = acted.iter().map(|o| o.thought).collect();
    let mut first: Vec<Duration> = acted.iter().map(|o| o.first).collect();
    thought.sort();
    first.sort();
    if let (Some(t), Some(f)) = (thought.get(thought.len() / 2), first.get(first.len() / 2)) {
        println!(
            "understood and planned: median {t:?}, most {:?}; first clip: median {f:?}, most {:?}",
            thought[thought.len() - 1],
            first[first.len() - 1]
        );
    }
}
