//! What must come from the operating system: a C++ compiler for the build, Python with pip for fetching, and to draw
//! pictures a Vulkan driver.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::{Error, Result};
use crate::places::Variables;
use crate::screen::Screen;

/// A program that is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// To compile the C++ part of `torch-sys`.
    Compiler,
    /// To fetch wheels.
    Pip,
    /// To draw without a graphics card, or with one.
    Driver,
}

impl Need {
    fn words(self) -> &'static str {
        match self {
            Self::Compiler => "a C++ compiler",
            Self::Pip => "Python 3 with pip",
            Self::Driver => "a Vulkan driver",
        }
    }
}

/// How packages are installed on this system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manager {
    Apt,
    Dnf,
    Pacman,
    Mac,
    Windows,
    Unknown,
}

impl Manager {
    fn find() -> Self {
        let at = |path| Path::new(path).exists();
        match std::env::consts::OS {
            "macos" => Self::Mac,
            "windows" => Self::Windows,
            _ if at("/usr/bin/apt-get") => Self::Apt,
            _ if at("/usr/bin/dnf") => Self::Dnf,
            _ if at("/usr/bin/pacman") => Self::Pacman,
            _ => Self::Unknown,
        }
    }

    fn packages(self, need: Need) -> &'static [&'static str] {
        match (self, need) {
            (Self::Apt, Need::Compiler) => &["g++"],
            (Self::Apt, Need::Pip) => &["python3", "python3-pip"],
            (Self::Apt, Need::Driver) => &["mesa-vulkan-drivers", "libvulkan1"],
            (Self::Dnf, Need::Compiler) => &["gcc-c++"],
            (Self::Dnf, Need::Pip) => &["python3", "python3-pip"],
            (Self::Dnf, Need::Driver) => &["mesa-vulkan-drivers", "vulkan-loader"],
            (Self::Pacman, Need::Compiler) => &["gcc"],
            (Self::Pacman, Need::Pip) => &["python", "python-pip"],
            (Self::Pacman, Need::Driver) => &["vulkan-swrast", "vulkan-icd-loader"],
            _ => &[],
        }
    }

    /// One line that a user can copy.
    fn command(self, needs: &[Need]) -> String {
        let packages: Vec<&str> = needs
            .iter()
            .flat_map(|need| self.packages(*need))
            .copied()
            .collect();
        let packages = packages.join(" ");
        match self {
            Self::Apt => format!("sudo apt-get update && sudo apt-get install -y {packages}"),
            Self::Dnf => format!("sudo dnf install -y {packages}"),
            Self::Pacman => format!("sudo pacman -S --needed {packages}"),
            // The command line tools bring compiler and Python both.
            Self::Mac => "xcode-select --install && python3 -m ensurepip --user".into(),
            Self::Windows => {
                "winget install Python.Python.3.12 Microsoft.VisualStudio.2022.BuildTools".into()
            }
            Self::Unknown => {
                let words: Vec<_> = needs.iter().map(|need| need.words()).collect();
                format!("the package manager of your system: {}", words.join(", "))
            }
        }
    }
}

/// What of the needs this machine lacks.
fn lacking(needs: &[Need], variables: Variables) -> Vec<Need> {
    needs
        .iter()
        .copied()
        .filter(|need| match need {
            Need::Compiler => !has_compiler(variables),
            Need::Pip => find_python().is_none(),
            Need::Driver => !has_driver(variables, Path::new("/")),
        })
        .collect()
}

/// Whether something can draw: the Vulkan loader, and the description of a driver where the loader looks for one.
fn has_driver(variables: Variables, root: &Path) -> bool {
    if std::env::consts::OS != "linux" {
        return true;
    }
    let named = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"]
        .into_iter()
        .any(|name| variables(name).is_some_and(|files| !files.is_empty()));
    let own = variables("HOME").map(|home| PathBuf::from(home).join(".local/share/vulkan/icd.d"));
    let described = ["usr/share", "usr/local/share", "etc"]
        .into_iter()
        .map(|place| root.join(place).join("vulkan/icd.d"))
        .chain(own)
        .any(|folder| holds(&folder, ".json"));
    let arch = format!("{}-linux-gnu", std::env::consts::ARCH);
    let loader = ["usr/lib", "usr/lib64", "usr/local/lib", "lib", "lib64"]
        .into_iter()
        .flat_map(|place| [root.join(place), root.join(place).join(&arch)])
        .any(|folder| folder.join("libvulkan.so.1").exists());
    loader && (named || described)
}

/// Whether a folder holds a file whose name ends so.
fn holds(folder: &Path, end: &str) -> bool {
    std::fs::read_dir(folder).is_ok_and(|mut files| {
        files.any(|file| file.is_ok_and(|f| f.file_name().to_string_lossy().ends_with(end)))
    })
}

fn has_compiler(variables: Variables) -> bool {
    match std::env::consts::OS {
        // Rust's own linker comes with it, and is found through the registry rather than by name.
        "windows" => true,
        // Asking `c++` itself would open a dialogue.
        "macos" => runs("xcode-select".as_ref(), &["-p"]),
        _ => match variables("CXX").filter(|cxx| !cxx.is_empty()) {
            // `CXX` may hold options or a wrapper too.
            Some(cxx) => cxx
                .to_string_lossy()
                .split_whitespace()
                .next()
                .is_some_and(|program| runs(program.as_ref(), &["--version"])),
            None => runs("c++".as_ref(), &["--version"]),
        },
    }
}

/// The first Python 3 that has pip: the interpreter itself, for `python3` may be a wrapper that starts it, and ending the
/// wrapper would not end pip.
pub fn find_python() -> Option<OsString> {
    const SELF: &str =
        "import sys; sys.version_info < (3, 8) and sys.exit(1); print(sys.executable)";
    ["python3", "python", "py"]
        .into_iter()
        .filter_map(|name| {
            let output = Command::new(name)
                .args(["-c", SELF])
                .stdin(Stdio::null())
                .output()
                .ok()?;
            let path = String::from_utf8(output.stdout).ok()?;
            (output.status.success() && !path.trim().is_empty()).then(|| path.trim().into())
        })
        .find(|python: &OsString| runs(python, &["-m", "pip", "--version"]))
}

fn runs(program: &std::ffi::OsStr, arguments: &[&str]) -> bool {
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn is_root() -> bool {
    cfg!(unix)
        && Command::new("id")
            .arg("-u")
            .output()
            .is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// Sees that the needs are met: installs what is missing where this is Debian or a relative and the user is root.
///
/// # Errors
/// [`Error::Packages`] with a line to copy where something is missing and was not or could not be installed.
pub fn ensure(needs: &[Need], variables: Variables, screen: &Screen) -> Result<()> {
    let missing = install(needs, variables, screen);
    if missing.is_empty() {
        return Ok(());
    }
    Err(Error::Packages {
        missing: words(&missing),
        command: Manager::find().command(&missing),
    })
}

/// As [`ensure`], for what one can do without; says what is missing, and what then does not work.
pub fn prefer(needs: &[Need], without: &str, variables: Variables, screen: &Screen) {
    let missing = install(needs, variables, screen);
    if !missing.is_empty() {
        screen.say(format!(
            "without {} {without}; install with\n    {}",
            words(&missing),
            Manager::find().command(&missing)
        ));
    }
}

fn words(needs: &[Need]) -> String {
    let words: Vec<_> = needs.iter().map(|need| need.words()).collect();
    words.join(", ")
}

/// Installs what is missing where that can be done; returns what is still missing.
fn install(needs: &[Need], variables: Variables, screen: &Screen) -> Vec<Need> {
    let missing = lacking(needs, variables);
    let manager = Manager::find();
    if missing.is_empty() || manager != Manager::Apt || !is_root() {
        return missing;
    }
    let packages: Vec<&str> = missing
        .iter()
        .flat_map(|need| manager.packages(*need))
        .copied()
        .collect();
    screen.say(format!("installing {} (apt-get)", packages.join(" ")));
    let apt = |arguments: &[&str]| {
        Command::new("apt-get")
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    };
    // An old list may name versions that are gone, and a bare image has none at all.
    apt(&["update", "-qq"]);
    let install = ["install", "-y", "-qq", "--no-install-recommends"];
    apt(&[&install, packages.as_slice()].concat());
    lacking(&missing, variables)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_to_copy_names_only_what_is_missing() {
        let apt = |needs: &[Need]| Manager::Apt.command(needs);
        assert_eq!(
            apt(&[Need::Compiler]),
            "sudo apt-get update && sudo apt-get install -y g++"
        );
        assert!(apt(&[Need::Pip]).ends_with("python3 python3-pip"));
        assert!(apt(&[Need::Compiler, Need::Pip]).ends_with("install -y g++ python3 python3-pip"));
        for manager in [
            Manager::Apt,
            Manager::Dnf,
            Manager::Pacman,
            Manager::Mac,
            Manager::Windows,
            Manager::Unknown,
        ] {
            let line = manager.command(&[Need::Compiler, Need::Pip, Need::Driver]);
            assert!(!line.is_empty() && line.lines().count() == 1, "{manager:?}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_compiler_is_the_one_the_build_will_take() {
        let with =
            |value: &'static str| has_compiler(&move |name| (name == "CXX").then(|| value.into()));
        assert!(!with("chois-no-such-compiler -O2"));
        assert!(with("true -O2"), "the first word is the program");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_driver_is_a_loader_and_a_description() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let has = |variable: Option<&'static str>| {
            let set = move |name: &str| variable.filter(|v| *v == name).map(|_| "x.json".into());
            has_driver(&set, root)
        };
        let lay = |path: &str| {
            std::fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            std::fs::write(root.join(path), "").unwrap();
        };
        assert!(!has(None));
        lay("usr/share/vulkan/icd.d/some_icd.json");
        assert!(!has(None), "no loader");
        lay("usr/lib64/libvulkan.so.1");
        assert!(has(None));
        std::fs::remove_dir_all(root.join("usr/share")).unwrap();
        assert!(!has(None), "no description");
        assert!(has(Some("VK_DRIVER_FILES")), "the user names one");
    }

    #[test]
    fn a_program_that_fails_or_is_not_there_does_not_run() {
        assert!(!runs("chois-no-such-program".as_ref(), &[]));
    }
}
