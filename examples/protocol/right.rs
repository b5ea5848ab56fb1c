//! Right: a tanh network with an identity output, weights out×in, a sample a row,
//! E = (1/2m) Σ (a - t)² + (lam/2m) Σ W². Answers lines of JSON; compile it by: rustc -O right.rs

mod protocol;

use protocol::Gradient;

type Matrix = Vec<Vec<f64>>;

fn gradient(weights: &[Matrix], biases: &[Vec<f64>], x: &[Vec<f64>], t: &[Vec<f64>], lam: f64) -> Gradient {
    let (layers, m) = (weights.len(), x.len() as f64);
    let squares: f64 = weights.iter().flatten().flatten().map(|w| w * w).sum();
    let decay = |w: &Matrix| w.iter().map(|row| row.iter().map(|w| lam / m * w).collect()).collect();
    let mut found = Gradient {
        loss: lam / (2.0 * m) * squares,
        weights: weights.iter().map(decay).collect(),
        biases: biases.iter().map(|b| vec![0.0; b.len()]).collect(),
    };
    for (x, t) in x.iter().zip(t) {
        let mut activations = vec![x.clone()];
        for l in 0..layers {
            let a = &activations[l];
            let z = weights[l].iter().zip(&biases[l]);
            let z = z.map(|(row, b)| b + row.iter().zip(a).map(|(w, a)| w * a).sum::<f64>());
            activations.push(z.map(|z| if l + 1 < layers { z.tanh() } else { z }).collect());
        }
        let mut delta: Vec<f64> = activations[layers].iter().zip(t).map(|(a, t)| (a - t) / m).collect();
        found.loss += delta.iter().map(|d| d * d * m / 2.0).sum::<f64>();
        for l in (0..layers).rev() {
            let a = &activations[l];
            for (i, d) in delta.iter().enumerate() {
                found.biases[l][i] += d;
                for (j, a) in a.iter().enumerate() {
                    found.weights[l][i][j] += d * a;
                }
            }
            let sum = |j: usize| delta.iter().zip(&weights[l]).map(|(d, row)| d * row[j]).sum::<f64>();
            delta = a.iter().enumerate().map(|(j, a)| sum(j) * (1.0 - a * a)).collect();
        }
    }
    found
}

fn main() {
    protocol::answer(gradient);
}
