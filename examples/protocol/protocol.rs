//! Reads a request of JSON and writes a reply, in as little as that takes.

use std::collections::BTreeMap;
use std::io::BufRead;

pub enum Json {
    Number(f64),
    Text,
    List(Vec<Json>),
    Object(BTreeMap<String, Json>),
}

impl Json {
    pub fn number(&self) -> f64 {
        match self {
            Json::Number(value) => *value,
            _ => panic!("a number was expected"),
        }
    }

    pub fn list(&self) -> &[Json] {
        match self {
            Json::List(items) => items,
            _ => panic!("a list was expected"),
        }
    }

    pub fn object(&self) -> &BTreeMap<String, Json> {
        match self {
            Json::Object(items) => items,
            _ => panic!("an object was expected"),
        }
    }

    pub fn vector(&self) -> Vec<f64> {
        self.list().iter().map(Json::number).collect()
    }

    pub fn matrix(&self) -> Vec<Vec<f64>> {
        self.list().iter().map(Json::vector).collect()
    }
}

/// The value that the text begins with, which is taken off it; names have no escapes.
fn take(text: &mut &str) -> Json {
    *text = text.trim_start();
    if text.starts_with(['[', '{']) {
        let (mut items, mut entries) = (Vec::new(), BTreeMap::new());
        let is_list = text.starts_with('[');
        *text = text[1..].trim_start();
        while !text.starts_with([']', '}']) {
            if is_list {
                items.push(take(text));
            } else {
                let (name, rest) = text[1..].split_once('"').unwrap();
                *text = rest.split_once(':').unwrap().1;
                entries.insert(name.to_string(), take(text));
            }
            *text = text.trim_start_matches([',', ' ']);
        }
        *text = &text[1..];
        return if is_list { Json::List(items) } else { Json::Object(entries) };
    }
    if let Some(rest) = text.strip_prefix('"') {
        *text = rest.split_once('"').unwrap().1;
        return Json::Text;
    }
    let end = text.find([',', ']', '}', ' ']).unwrap_or(text.len());
    let number = text[..end].trim().parse().expect("a number was expected");
    *text = &text[end..];
    Json::Number(number)
}

/// Answers each line with one, until the input ends; W and b are in order of the layers.
pub fn answer(gradient: impl Fn(&[Vec<Vec<f64>>], &[Vec<f64>], &[Vec<f64>], &[Vec<f64>], f64) -> Gradient) {
    for line in std::io::stdin().lock().lines() {
        let request = take(&mut line.unwrap().as_str());
        let (request, params) = (request.object(), request.object()["params"].object());
        let layers = params.keys().filter(|name| name.starts_with('W')).count();
        let weights: Vec<_> = (1..=layers).map(|l| params[&format!("W{l}")].matrix()).collect();
        let biases: Vec<_> = (1..=layers).map(|l| params[&format!("b{l}")].vector()).collect();
        let lam = request.get("lam").map_or(0.0, Json::number);
        let found = gradient(&weights, &biases, &request["x"].matrix(), &request["t"].matrix(), lam);
        // {:?} of a float is the shortest text that reads back as the same number, and of a list, JSON.
        let grads: Vec<_> = (0..layers)
            .map(|l| format!(r#""W{0}": {1:?}, "b{0}": {2:?}"#, l + 1, found.weights[l], found.biases[l]))
            .collect();
        println!(r#"{{"loss": {:?}, "grads": {{{}}}}}"#, found.loss, grads.join(", "));
    }
}

pub struct Gradient {
    pub loss: f64,
    pub weights: Vec<Vec<Vec<f64>>>,
    pub biases: Vec<Vec<f64>>,
}
