//! Provisions what cargo cannot: libtorch and the text encoder's weights. Then, if asked, runs the demo or all checks.

mod component;
mod error;
mod fetch;
mod link;
mod places;
mod provision;
mod screen;
mod stages;
mod system;
mod unpack;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use component::{Component, LIBTORCH_VERSION, MINILM};
use error::{Error, Result, read};
use fetch::Pip;
use places::{Libtorch, Variables};
use screen::{Screen, Stop};
use system::Need;

const HELP: &str = "\
Provisions libtorch and the text encoder's weights, then does what is asked.

    cargo setup              provision only
    cargo demo [ARGUMENTS]   provision, then open the demo (without a screen: draw it into target/demo)
    cargo verify             provision, then format check, clippy and all tests

Environment:
    CHOIS_CACHE          where unpacked files are kept (default ~/.cache/bevy_chois)
    LIBTORCH             a libtorch 2.11.0 of your own: include/ and lib/
    CARGO_TARGET_DIR     gets the links libtorch and minilm too";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let command = arguments.next();
    let rest: Vec<String> = arguments.collect();
    let asks_help = |argument: &str| matches!(argument, "-h" | "--help" | "help");
    let stages: Vec<Vec<String>> = match command.as_deref() {
        Some(command) if asks_help(command) => {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        // What follows `demo` is the demo's, `--help` too.
        Some("demo") => {
            let own = stages::DEMO.iter().map(|&word| word.to_owned());
            vec![own.chain(rest).collect()]
        }
        Some("provision" | "verify") if rest.iter().any(|argument| asks_help(argument)) => {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Some(command @ ("provision" | "verify")) => {
            if let Some(extra) = rest.first() {
                eprintln!("error: {command} takes no argument, {extra:?} was given\n\n{HELP}");
                return ExitCode::from(2);
            }
            let stages = if command == "verify" {
                stages::VERIFY
            } else {
                &[]
            };
            stages
                .iter()
                .map(|words| words.iter().map(|&word| word.to_owned()).collect())
                .collect()
        }
        other => {
            match other {
                Some(other) => eprintln!("error: there is no command {other:?}\n\n{HELP}"),
                None => eprintln!("error: say what to do\n\n{HELP}"),
            }
            return ExitCode::from(2);
        }
    };
    let (screen, stop) = (Screen::stderr(), Stop::on_signals());
    let variables = |name: &str| std::env::var_os(name);
    let workspace = places::workspace(&variables);
    let result = set_up(&workspace, &variables, &screen, &stop).and_then(|()| {
        if !stages.is_empty() {
            let without = "no picture can be drawn (clips are generated all the same)";
            system::prefer(&[Need::Driver], without, &variables, &screen);
        }
        stages::run(&stages, &workspace, &screen, &stop)
    });
    result.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        // As a shell reports a program that Ctrl-C ended.
        ExitCode::from(if matches!(error, Error::Interrupted) {
            130
        } else {
            1
        })
    })
}

/// Sees that everything is in the cache and linked; one line where nothing was to do.
fn set_up(workspace: &Path, variables: Variables, screen: &Screen, stop: &Stop) -> Result<()> {
    let current = std::env::current_dir().map_err(read(Path::new(".")))?;
    let cache = places::cache(variables, &current)?;
    let targets = places::targets(variables, workspace, &current);
    let libtorch = places::whose_libtorch(variables, &targets, &current)?;

    let mut components: Vec<&Component> = Vec::new();
    let whose = match &libtorch {
        Libtorch::Ours => {
            let ours = our_libtorch()?;
            components.push(ours);
            ours.title.to_owned()
        }
        Libtorch::Users(path) => format!("your own libtorch in {}", path.display()),
        Libtorch::Python => "the libtorch of your Python (LIBTORCH_USE_PYTORCH)".to_owned(),
    };
    components.push(&MINILM);

    let to_fetch = components
        .iter()
        .any(|c| !c.is_complete(&cache.join(c.folder)));
    let needs: &[Need] = if to_fetch {
        &[Need::Compiler, Need::Pip]
    } else {
        &[Need::Compiler]
    };
    system::ensure(needs, variables, screen)?;
    let mut changed = false;
    if to_fetch {
        // `ensure` has just seen one.
        let python = system::find_python().unwrap_or_else(|| "python3".into());
        changed |= provision::provision(&components, &cache, &Pip { python }, screen, stop)?;
    }
    for target in &targets {
        for component in &components {
            if link::link(component, &cache, target)? {
                let place: PathBuf = target.join(component.link);
                screen.say(format!(
                    "{} -> {}",
                    place.display(),
                    cache.join(component.folder).display()
                ));
                changed = true;
            }
        }
    }
    screen.say(format!(
        "{}: {whose} and {} (cache {})",
        if changed {
            "ready"
        } else {
            "nothing to do, all is there"
        },
        MINILM.title,
        cache.display()
    ));
    Ok(())
}

/// The pinned libtorch of the machine this runs on.
fn our_libtorch() -> Result<&'static Component> {
    use std::env::consts::{ARCH, OS};
    let musl = cfg!(target_env = "musl");
    component::libtorch(OS, ARCH, musl).ok_or_else(|| Error::Platform {
        platform: format!("{OS} {ARCH}{}", if musl { " with musl" } else { "" }),
        version: LIBTORCH_VERSION,
    })
}
