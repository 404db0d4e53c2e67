//! Who may use whom: every path in the syntax tree of `src/`, held to the table below.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};
use syn::{Item, UseTree};

/// A room and the rooms it may use. Everything may use itself; nothing else is allowed.
const TABLE: &[(&str, &[&str])] = &[
    ("runbook", &[]),
    ("ingest", &[]),
    ("machine", &[]),
    ("aws", &[]),
    ("sandbox", &[]),
    ("custody", &[]),
    // `custody`: what others may write is not believed; here, in the journal, and where secrets are read.
    ("settings", &["runbook", "custody"]),
    ("engine", &["runbook"]),
    ("journal", &["engine", "ingest", "custody", "machine"]),
    // `journal`: what is archived is a run directory, and judged as one.
    ("archive", &["engine", "journal", "aws"]),
    // `journal`: what is signed is a checkpoint of it.
    ("signing", &["journal", "custody"]),
    // `aws`: a child may be fed with an object of S3.
    ("supervisor", &["ingest", "machine", "aws", "custody"]),
    // `engine`: a past run is the fold of its journal.
    ("catalogue", &["runbook", "settings", "journal", "engine"]),
    // `supervisor`: a shell step is run by the process that outlives the console.
    ("actions", &["runbook", "engine", "ingest", "aws", "supervisor", "custody"]),
    // `engine`: what preflight finds becomes facts. The rest is what `steady doctor` looks at.
    (
        "preflight",
        &[
            "runbook",
            "settings",
            "catalogue",
            "engine",
            "ingest",
            "journal",
            "signing",
            "aws",
            "actions",
            "custody",
        ],
    ),
    (
        "driver",
        &[
            "runbook",
            "settings",
            "catalogue",
            "engine",
            "ingest",
            "machine",
            "journal",
            "signing",
            "archive",
            "aws",
            "actions",
            "supervisor",
            "preflight",
            "custody",
        ],
    ),
    ("report", &["engine", "runbook", "journal", "ingest"]),
    ("tui", &["driver", "engine", "runbook", "settings", "catalogue", "report", "machine"]),
    ("cli", ALL),
    ("main", &["cli"]),
];

const ALL: &[&str] = &[
    "runbook",
    "ingest",
    "machine",
    "aws",
    "sandbox",
    "custody",
    "settings",
    "engine",
    "journal",
    "signing",
    "archive",
    "supervisor",
    "catalogue",
    "actions",
    "preflight",
    "driver",
    "report",
    "tui",
];

/// What the unit tests of a room may use besides.
const IN_TESTS: &[(&str, &[&str])] = &[
    // The facts that the engine hands over hold the format's values; tests make some up.
    ("journal", &["runbook"]),
];

#[test]
fn every_room_uses_only_what_the_table_allows() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut walk = Walk::default();
    walk.file(&src.join("lib.rs"), &src, &[], false);
    walk.file(&src.join("main.rs"), &src.join("main"), &["main".to_owned()], false);
    assert!(walk.wrong.is_empty(), "paths that the table forbids:\n{}", walk.wrong.join("\n"));
    let missed: Vec<_> = rust_files(&src).into_iter().filter(|f| !walk.seen.contains(f)).collect();
    assert!(missed.is_empty(), "files that belong to no module: {missed:?}");
}

#[test]
fn the_table_names_every_room() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let rooms: BTreeSet<String> = std::fs::read_dir(&src)
        .expect("src")
        .map(|entry| entry.expect("an entry").path())
        .filter_map(|path| path.file_stem().map(|stem| stem.to_string_lossy().into_owned()))
        .filter(|name| name != "lib")
        .collect();
    let table: BTreeSet<String> = TABLE.iter().map(|(room, _)| (*room).to_owned()).collect();
    assert_eq!(rooms, table);
}

#[test]
fn a_forbidden_path_is_found_however_it_is_written() {
    let engine = ["engine".to_owned(), "decide".to_owned()];
    for planted in [
        "use crate::journal::Writer;",
        "use crate::{runbook::Value, journal};",
        "use crate::journal::*;",
        "use crate::journal as records;",
        "use crate::{journal as records, runbook as book};",
        "use super::super::journal::Writer;",
        "use super::super::{journal::Writer, runbook};",
        "pub use crate::journal;",
        "pub(in crate::journal) fn f() {}",
        "fn f() { crate::journal::append(); }",
        "fn f(x: crate::journal::Writer) {}",
        "fn f() -> Option<super::super::journal::Writer> { None }",
        "impl crate::journal::Sink for X {}",
        "struct X { of: Vec<crate::journal::Record> }",
        "fn f() { let x = vec![crate::journal::one()]; }",
        "fn f() { println!(\"{}\", crate::journal::one()); }",
        "mod inner { use super::super::super::journal; }",
        "mod inner { fn f() { super::super::super::journal::append() } }",
        "fn f() { use crate as house; house::journal::append() }",
        "use crate as house;",
        "use super::super as house;",
        "use steadyhand::journal::Writer;",
        "use ::steadyhand::journal::Writer;",
        "#[derive(X)] #[x(with = crate::journal::codec)] struct Y;",
        "macro_rules! m { () => { $crate::journal::append() } }",
        "use crate::*;",
        "use super::super::*;",
        "#[cfg(test)] mod tests { use crate::journal::Writer; }",
    ] {
        assert!(!violations(&engine, planted).is_empty(), "not found: {planted}");
    }
}

#[test]
fn an_allowed_path_is_left_alone() {
    let engine = ["engine".to_owned(), "decide".to_owned()];
    for allowed in [
        "use crate::runbook::{Runbook, value::Value as V};",
        "use super::event::Event;",
        "use super::super::runbook::Value;",
        "use super::*;",
        "use std::fmt;",
        "pub(crate) fn f() { self::g(); super::h(); }",
        "pub(super) fn f() {}",
        "mod inner { use super::*; use super::super::event; use crate::engine::event; }",
        "fn f() { let journal = 1; journal.max(2); other::journal::x(); }",
        "fn f() { assert_eq!(crate::runbook::one(), 1); }",
        "macro_rules! m { () => { $crate::engine::now() } }",
    ] {
        assert_eq!(violations(&engine, allowed), Vec::<String>::new(), "{allowed}");
    }
}

#[test]
fn main_uses_the_command_line_alone() {
    let main = ["main".to_owned()];
    assert!(violations(&main, "fn main() { steadyhand::cli::main() }").is_empty());
    assert!(!violations(&main, "fn main() { steadyhand::driver::run() }").is_empty());
    let tui = ["tui".to_owned(), "app".to_owned()];
    assert!(!violations(&tui, "use crate::cli::Globals;").is_empty());
}

fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            files.push(path);
        }
    }
    files
}

/// Goes from file to file along `mod` declarations, as the compiler does.
#[derive(Default)]
struct Walk {
    seen: BTreeSet<PathBuf>,
    wrong: Vec<String>,
}

impl Walk {
    /// Judges a file; its modules' files are below `directory`.
    fn file(&mut self, file: &Path, directory: &Path, module: &[String], in_tests: bool) {
        let text = std::fs::read_to_string(file)
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        self.seen.insert(file.to_owned());
        let walker = walk_text(module, in_tests, &text);
        self.wrong.extend(walker.violations());
        for below in walker.files {
            let inner = below.module.strip_prefix(module).unwrap_or_default();
            let (name, nested) = inner.split_last().expect("a module has a name");
            let place = nested.iter().fold(directory.to_owned(), |at, part| at.join(part));
            let path = match below.path {
                // As the compiler reads it outside of inline modules: beside the file itself.
                Some(path) => file.parent().unwrap_or(directory).join(path),
                None => {
                    let plain = place.join(format!("{name}.rs"));
                    if plain.exists() { plain } else { place.join(name).join("mod.rs") }
                }
            };
            let directory = match path.file_name().is_some_and(|name| name == "mod.rs") {
                true => path.parent().unwrap_or(&place).to_owned(),
                false => place.join(name),
            };
            self.file(&path, &directory, &below.module, below.in_tests);
        }
    }
}

fn walk_text(module: &[String], in_tests: bool, text: &str) -> Walker {
    let file = syn::parse_file(text).expect("Rust");
    let (found, files) = (Vec::new(), Vec::new());
    let mut walker = Walker { module: module.to_vec(), in_tests, found, files };
    walker.visit_file(&file);
    walker
}

/// What in the text of `module` the table forbids.
fn violations(module: &[String], text: &str) -> Vec<String> {
    walk_text(module, false, text).violations()
}

/// A module that is a file of its own.
struct ModuleFile {
    module: Vec<String>,
    in_tests: bool,
    /// `#[path = "…"]`
    path: Option<String>,
}

/// Walks one file and collects the rooms its paths lead to.
struct Walker {
    /// Where we are; grows in inline modules.
    module: Vec<String>,
    /// Inside `#[cfg(test)]`.
    in_tests: bool,
    found: Vec<Use>,
    files: Vec<ModuleFile>,
}

/// A path that leads to a room.
struct Use {
    /// Where it stands.
    place: String,
    room: String,
    in_tests: bool,
    path: String,
}

/// A path that leads to the crate itself: from there, everything is within reach.
const CRATE: &str = "the whole crate";

impl Walker {
    fn violations(&self) -> Vec<String> {
        let Some(room) = self.module.first() else {
            // `lib.rs` declares the rooms and uses none.
            return Vec::new();
        };
        let of = |table: &'static [(&str, &'static [&str])]| {
            table.iter().find(|(name, _)| name == room).map_or(&[][..], |(_, uses)| uses)
        };
        let bad = |one: &&Use| {
            let target = one.room.as_str();
            let for_tests = one.in_tests && of(IN_TESTS).contains(&target);
            target != room && !of(TABLE).contains(&target) && !for_tests
        };
        let found = self.found.iter().filter(bad);
        found.map(|one| format!("{} uses {}: {}", one.place, one.room, one.path)).collect()
    }

    /// Judges one path, given as its segments.
    fn path(&mut self, segments: &[String]) {
        let (mut at, rest) = match segments.first().map(String::as_str) {
            Some("crate" | "steadyhand") => (Vec::new(), &segments[1..]),
            Some("self") => (self.module.clone(), &segments[1..]),
            Some("super") => (self.module.clone(), segments),
            _ => return,
        };
        let mut rest = rest.iter().peekable();
        while rest.next_if(|segment| *segment == "super").is_some() {
            at.pop();
        }
        at.extend(rest.cloned());
        let room = at.first().filter(|room| *room != "*").cloned();
        self.found.push(Use {
            place: self.module.join("::"),
            room: room.unwrap_or_else(|| CRATE.to_owned()),
            in_tests: self.in_tests,
            path: segments.join("::"),
        });
    }

    fn use_tree(&mut self, tree: &UseTree, mut before: Vec<String>) {
        match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.use_tree(&path.tree, before);
            }
            UseTree::Name(name) => {
                // `use a::{self}` is `use a`.
                if name.ident != "self" || before.is_empty() {
                    before.push(name.ident.to_string());
                }
                self.path(&before);
            }
            UseTree::Rename(rename) => {
                if rename.ident != "self" || before.is_empty() {
                    before.push(rename.ident.to_string());
                }
                self.path(&before);
            }
            UseTree::Glob(_) => {
                before.push("*".to_owned());
                self.path(&before);
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.use_tree(tree, before.clone());
                }
            }
        }
    }

    /// The paths in what a macro or an attribute is given, which is no syntax tree yet.
    fn tokens(&mut self, tokens: proc_macro2::TokenStream) {
        use proc_macro2::TokenTree;
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons < 2 {
                        self.end(&mut path);
                    }
                    path.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    self.end(&mut path);
                    self.tokens(group.stream());
                    colons = 0;
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {
                    self.end(&mut path);
                    colons = 0;
                }
            }
        }
        self.end(&mut path);
    }

    fn end(&mut self, path: &mut Vec<String>) {
        // A lone `self` or `crate` is a receiver or a word of a visibility, not a use.
        if path.len() > 1 {
            self.path(path);
        }
        path.clear();
    }
}

fn is_cfg_test(attribute: &syn::Attribute) -> bool {
    attribute.path().is_ident("cfg")
        && attribute.parse_args::<syn::Ident>().is_ok_and(|condition| condition == "test")
}

fn path_attribute(attribute: &syn::Attribute) -> Option<String> {
    match &attribute.meta {
        syn::Meta::NameValue(syn::MetaNameValue {
            path,
            value: syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }),
            ..
        }) if path.is_ident("path") => Some(text.value()),
        _ => None,
    }
}

impl<'ast> Visit<'ast> for Walker {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.use_tree(&item.tree, Vec::new());
    }

    fn visit_item(&mut self, item: &'ast Item) {
        if let Item::Mod(module) = item {
            let outside = self.in_tests;
            self.in_tests |= module.attrs.iter().any(is_cfg_test);
            self.module.push(module.ident.to_string());
            if module.content.is_none() {
                self.files.push(ModuleFile {
                    module: self.module.clone(),
                    in_tests: self.in_tests,
                    path: module.attrs.iter().find_map(path_attribute),
                });
            }
            visit::visit_item(self, item);
            self.module.pop();
            self.in_tests = outside;
        } else {
            visit::visit_item(self, item);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        if segments.len() > 1 {
            self.path(&segments);
        }
        visit::visit_path(self, path);
    }

    fn visit_vis_restricted(&mut self, vis: &'ast syn::VisRestricted) {
        // `pub(crate)` and `pub(super)` say who may look, not what is used.
        if vis.in_token.is_some() {
            visit::visit_vis_restricted(self, vis);
        }
    }

    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        self.tokens(mac.tokens.clone());
        visit::visit_macro(self, mac);
    }

    fn visit_meta_list(&mut self, list: &'ast syn::MetaList) {
        self.tokens(list.tokens.clone());
        visit::visit_meta_list(self, list);
    }
}
