//! What outlasts an interruption: how far everything is, and the keys.

use std::fs;
use std::path::{Path, PathBuf};

use heirloom::entropy::{Entropy, SystemEntropy};
use heirloom::{AdoptionKey, Key, KeyRing};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use crate::Failure;

/// How far the nodes are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Stage {
    /// The legacy tokens are adopted into the old store.
    Adopting,
    Following,
    Pulling,
    /// The new store alone.
    Over,
}

const STAGES: [(Stage, &str); 4] = [
    (Stage::Adopting, "adopting"),
    (Stage::Following, "following"),
    (Stage::Pulling, "pulling"),
    (Stage::Over, "over"),
];

pub struct Folder {
    path: PathBuf,
    state: Json,
}

impl Folder {
    pub fn open(path: Option<PathBuf>) -> Result<Self, Failure> {
        let path = match path {
            Some(path) => path,
            None => std::env::temp_dir().join(format!("heirloom-migrate-{}", random()?)),
        };
        fs::create_dir_all(&path)?;
        let state = match fs::read_to_string(path.join("state.json")) {
            Ok(text) => serde_json::from_str(&text)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                json!({ "stage": "adopting", "adopted": 0 })
            }
            Err(error) => return Err(error.into()),
        };
        Ok(Self { path, state })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many tokens there are; refuses what an earlier run was not told.
    pub fn agree(&mut self, tokens: Option<u64>, to: &str) -> Result<u64, Failure> {
        // It may hold a password, and is not written down.
        let to = hex(&Sha256::digest(to)[..16]);
        let before = self.state.get("tokens").and_then(Json::as_u64);
        let all = tokens.or(before).unwrap_or(100_000);
        if before.is_some_and(|before| before != all) {
            return Err("this folder was begun with another --tokens".into());
        }
        if self.state.get("to").is_some_and(|before| *before != to.as_str()) {
            return Err("this folder was begun with another --to: its families are there".into());
        }
        self.set(&[("tokens", all.into()), ("to", to.into())])?;
        Ok(all)
    }

    pub fn stage(&self) -> Stage {
        let name = self.state.get("stage").and_then(Json::as_str);
        let known = STAGES.iter().find(|(_, known)| Some(*known) == name);
        known.map_or(Stage::Adopting, |(stage, _)| *stage)
    }

    pub fn enter(&mut self, stage: Stage) -> Result<(), Failure> {
        let name = STAGES.iter().find(|(known, _)| *known == stage).map(|(_, name)| *name);
        self.set(&[("stage", name.into())])
    }

    /// Up to which row of the legacy table all tokens are adopted.
    pub fn adopted(&self) -> u64 {
        self.state.get("adopted").and_then(Json::as_u64).unwrap_or(0)
    }

    pub fn set_adopted(&mut self, row: u64) -> Result<(), Failure> {
        self.set(&[("adopted", row.into())])
    }

    /// In earnest they come from a vault, and not from beside the data.
    pub fn keys(&self) -> Result<KeyRing, Failure> {
        let path = self.path.join("keys");
        if !path.exists() {
            let (mut material, draft) = ([0; 64], self.path.join("keys.new"));
            SystemEntropy.fill(&mut material)?;
            fs::write(&draft, material)?;
            fs::rename(&draft, &path)?;
        }
        let material = fs::read(&path)?;
        let (ring, adoption) = material.split_at_checked(32).ok_or("keys: cut off")?;
        Ok(KeyRing::new(Key::new(1, ring)?).with_adoption(AdoptionKey::new(adoption)?))
    }

    fn set(&mut self, fields: &[(&str, Json)]) -> Result<(), Failure> {
        for (name, value) in fields {
            self.state[*name] = value.clone();
        }
        let (path, draft) = (self.path.join("state.json"), self.path.join("state.new"));
        fs::write(&draft, self.state.to_string())?;
        Ok(fs::rename(&draft, &path)?)
    }
}

/// Sixteen random digits.
pub fn random() -> Result<String, Failure> {
    let mut bytes = [0; 8];
    SystemEntropy.fill(&mut bytes)?;
    Ok(hex(&bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
