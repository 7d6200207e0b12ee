//! Which module imports which, re-exports seen through, and whether that points up.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::slice;

use crate::layering::source::code;

/// A module's place: `["engine", "refresh"]`.
pub type Module = Vec<String>;

/// A crate's files, the order of its modules, and what parents re-export from their children.
pub struct Tree {
    files: BTreeMap<Module, String>,
    /// Each file's code in the words of Rust: read once, also for the trees that differ in one file.
    tokens: BTreeMap<Module, Rc<[String]>>,
    /// The children of a module in the order of its `mod` lines.
    children: BTreeMap<Module, Vec<String>>,
    /// For a module and a name in it, the child that the name comes from.
    re_exports: BTreeMap<(Module, String), String>,
}

impl Tree {
    pub fn new(files: BTreeMap<Module, String>) -> Self {
        let read = |text: &String| Rc::from(tokens(&code(text)));
        let tokens = files.iter().map(|(file, text)| (file.clone(), read(text))).collect();
        Self::of(files, tokens)
    }

    /// The same crate with another text of one file.
    pub fn with(&self, file: Module, text: String) -> Self {
        let (mut files, mut all) = (self.files.clone(), self.tokens.clone());
        all.insert(file.clone(), Rc::from(tokens(&code(&text))));
        files.insert(file, text);
        Self::of(files, all)
    }

    fn of(files: BTreeMap<Module, String>, tokens: BTreeMap<Module, Rc<[String]>>) -> Self {
        let (mut children, mut re_exports) = (BTreeMap::new(), BTreeMap::new());
        for (file, tokens) in &tokens {
            let module = place(file);
            for path in paths_after(tokens, "use") {
                if let [child, .., name] = &path[..] {
                    re_exports.insert((module.clone(), name.clone()), child.clone());
                }
            }
            children.insert(module, declared(tokens));
        }
        Self { files, tokens, children, re_exports }
    }

    pub fn files(&self) -> &BTreeMap<Module, String> {
        &self.files
    }

    /// The modules of the root, in the order of the layers.
    pub fn root_modules(&self) -> &[String] {
        self.children_of(&[])
    }

    /// Files that no `mod` line names.
    pub fn undeclared(&self) -> Vec<String> {
        let is_declared = |module: &Module| match module.split_last() {
            Some((name, parent)) => self.children_of(parent).contains(name),
            None => true,
        };
        let modules = self.files.keys().map(|file| place(file));
        modules.filter(|module| !is_declared(module)).map(|module| module.join("::")).collect()
    }

    /// `mod` lines without a file.
    pub fn missing(&self) -> Vec<String> {
        let named = self.children.iter().flat_map(|(module, children)| {
            children.iter().map(|child| [&module[..], slice::from_ref(child)].concat())
        });
        named.filter(|module| !self.files.contains_key(module)).map(|it| it.join("::")).collect()
    }

    fn children_of(&self, module: &[String]) -> &[String] {
        self.children.get(module).map_or(&[], Vec::as_slice)
    }

    /// The module that a path leads to: re-exports are followed, and what is no module is an item of the last one.
    fn module_of(&self, path: &[String]) -> Module {
        let mut module = Module::new();
        for name in path {
            let is_child = self.children_of(&module).contains(name);
            let child = if is_child {
                Some(name)
            } else {
                self.re_exports.get(&(module.clone(), name.clone()))
            };
            match child.filter(|child| self.children_of(&module).contains(child)) {
                Some(child) => module.push(child.clone()),
                None => break,
            }
            if !is_child {
                // The name is used up; whether the child re-exports it in turn is looked at once more.
                return self.module_of_item(module, name);
            }
        }
        module
    }

    fn module_of_item(&self, mut module: Module, name: &str) -> Module {
        while let Some(child) = self.re_exports.get(&(module.clone(), name.to_owned())) {
            if !self.children_of(&module).contains(child) {
                break;
            }
            module.push(child.clone());
        }
        module
    }
}

/// Every import that does not point up, as text.
pub fn wrong_imports(tree: &Tree) -> Vec<String> {
    let mut wrong = Vec::new();
    for (file, tokens) in &tree.tokens {
        let importer = place(file);
        let absolute = ["crate", "super", "self"].into_iter().flat_map(|root| {
            let base = base(&importer, root);
            paths_after(tokens, root).into_iter().map(move |path| [&base[..], &path].concat())
        });
        for path in absolute {
            let imported = tree.module_of(&path);
            if !points_up(tree, &importer, &imported) {
                let (importer, imported) = (importer.join("::"), imported.join("::"));
                wrong.push(format!("{importer} imports {} of {imported}", path.join("::")));
            }
        }
    }
    wrong
}

/// Up is: to an ancestor's own items, to oneself or one's children, and to what an earlier `mod` line declares.
/// The root only re-exports, and may do that from everywhere.
fn points_up(tree: &Tree, importer: &Module, imported: &Module) -> bool {
    let Some(fork) = (0..importer.len()).find(|at| importer.get(*at) != imported.get(*at)) else {
        return true;
    };
    let Some(other) = imported.get(fork) else {
        // An ancestor's own items; the root has none.
        return !imported.is_empty();
    };
    let order = tree.children_of(&importer[..fork]);
    let line = |name| order.iter().position(|child| child == name);
    line(other) < line(&importer[fork])
}

/// Where a file's module stands; the root's is empty.
fn place(file: &[String]) -> Module {
    if file == ["lib"] { Module::new() } else { file.to_vec() }
}

/// The module that `crate`, `self` or one `super` stands for.
fn base(importer: &[String], root: &str) -> Module {
    match root {
        "crate" => Module::new(),
        "self" => importer.to_vec(),
        _ => importer.split_last().map_or(Module::new(), |(_, parent)| parent.to_vec()),
    }
}

/// Words, and single characters of punctuation; `::` is one token.
fn tokens(code: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut word = false;
    for character in code.chars() {
        let in_word = character.is_alphanumeric() || character == '_';
        match tokens.last_mut() {
            Some(last) if in_word && word => last.push(character),
            Some(last) if character == ':' && last == ":" => last.push(character),
            _ if character.is_whitespace() => {}
            _ => tokens.push(character.to_string()),
        }
        word = in_word;
    }
    tokens
}

/// The modules that `mod name;` lines declare, in their order.
fn declared(tokens: &[String]) -> Vec<String> {
    let is_line = |line: &&[String]| line[0] == "mod" && line[2] == ";";
    tokens.windows(3).filter(is_line).map(|line| line[1].clone()).collect()
}

/// The paths that begin with a word: behind `crate::` and its like in any position, or behind `use` itself.
/// Grouped imports give one path for each name.
fn paths_after(tokens: &[String], root: &str) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    for (index, token) in tokens.iter().enumerate().filter(|(_, token)| *token == root) {
        let rest = &tokens[index + 1..];
        let inside = index > 0 && tokens[index - 1] == "::";
        // Of `super::super` the second is no path of its own: such paths are refused.
        assert!(!(inside && token == "super"), "super::super is not understood here");
        if token == "use" {
            branches(rest, &mut Vec::new(), &mut paths);
        } else if !inside && rest.first().is_some_and(|next| next == "::") {
            branches(&rest[1..], &mut Vec::new(), &mut paths);
        }
    }
    paths
}

/// Reads one tree of a `use` declaration, or one path; returns how many tokens it took.
fn branches(tokens: &[String], path: &mut Vec<String>, paths: &mut Vec<Vec<String>>) -> usize {
    let depth = path.len();
    let mut at = 0;
    loop {
        match tokens.get(at).map(String::as_str) {
            Some("{") => {
                at += 1;
                while tokens.get(at).is_some_and(|token| token != "}") {
                    at += branches(&tokens[at..], path, paths);
                    at += usize::from(tokens.get(at).is_some_and(|token| token == ","));
                }
                path.truncate(depth);
                return at + 1;
            }
            Some(name) => path.push(name.to_owned()),
            None => break,
        }
        at += 1;
        if tokens.get(at).is_none_or(|token| token != "::") {
            break;
        }
        at += 1;
    }
    paths.push(path.clone());
    path.truncate(depth);
    // A renamed import: `as` and the new name.
    at + if tokens.get(at).is_some_and(|token| token == "as") { 2 } else { 0 }
}
