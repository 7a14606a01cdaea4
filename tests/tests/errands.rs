//! Sixty commands in three rooms, from the sentence to the last clip, by the shipped checkpoint: what `cargo bench --bench
//! errands` prints at length.

use chois::command::Grammar;
use chois::synthesis::Synthesizer;
use chois::text::MiniLm;
use chois_tests::contact_suite::assets;
use chois_tests::errands::{COMMANDS, Doer, Outcome};
use chois_tests::rooms::room;

/// So many of the sixty are done at least. The aim is 54, and 58 are; another processor's rounding moves one or two of them
/// over a bar.
const DONE: usize = 57;

#[test]
fn sixty_commands_are_carried_out() {
    let model = assets().join("models/chois-compact");
    let synthesizer = Synthesizer::load(&model, None, tch::Device::Cpu).expect("a checkpoint");
    let encoder = MiniLm::load(&MiniLm::default_folder()).expect("the sentence encoder");
    let mut doer = Doer::new(synthesizer, Grammar::new(Some(Box::new(encoder))));
    let mut outcomes: Vec<Outcome> = Vec::new();
    for (name, commands) in COMMANDS {
        let at_first = room(name);
        doer.enter(&at_first);
        for (k, text) in commands.iter().enumerate() {
            let outcome = doer.carry_out(name, text, &mut at_first.clone(), k as u64);
            println!("{}", row(&outcome));
            outcomes.push(outcome);
        }
    }
    let count = |what: fn(&Outcome) -> bool| outcomes.iter().filter(|o| what(o)).count();
    let done = count(Outcome::done);
    println!("{done} of {} done", outcomes.len());
    assert_eq!(outcomes.len(), 60);
    assert!(
        done >= DONE,
        "{done} of 60; the table above says which are not"
    );
    // Whatever is refused says why, and nothing is lost but what the table says.
    assert!(count(|o| o.refused.as_ref().is_some_and(|reason| reason.len() < 20)) == 0);
    assert!(count(|o| o.refused.is_some()) <= 1);
    assert!(count(|o| o.astray.is_some_and(|way| way > 0.15)) == 0);
    assert!(count(|o| o.item_depth.metres > 0.02) == 0);
}

fn row(o: &Outcome) -> String {
    let verdict = if o.done() { "done" } else { "NOT " };
    let what = match (&o.refused, o.off, o.astray) {
        (Some(reason), ..) => format!("refused: {reason}"),
        _ if o.already.is_some() => o.already.clone().unwrap_or_default(),
        (None, Some((way, turn)), _) => {
            format!("off {:.1} cm, {:.0} deg", way * 100.0, turn.to_degrees())
        }
        (None, None, Some(way)) => format!("astray {:.1} cm", way * 100.0),
        _ => String::new(),
    };
    let deep = |name: &str, metres: f32, of: &str| match metres {
        0.0 => String::new(),
        metres => format!("; {name} {:.1} cm in {of}", metres * 100.0),
    };
    format!(
        "{verdict} {:<12} {:<58} {what}{}{}",
        o.room,
        o.text,
        deep("item", o.item_depth.metres, &o.item_depth.what),
        deep("body", o.body_depth.metres, &o.body_depth.what)
    )
}
