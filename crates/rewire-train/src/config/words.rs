//! The words a configuration is written in, as closed sets.
//!
//! The enums are the only list of the words: serde reads and writes them, and [`words`] asks it
//! which there are, so that a new variant is a new legal word everywhere.

use std::fmt;
use std::str::FromStr;

use rewire_autograd::mask;
use rewire_ift::TrainingMethod;
use serde::de::value::{Error as ValueError, StrDeserializer};
use serde::de::{DeserializeOwned, Deserializer, Error as _, Visitor};
use serde::{Deserialize, Serialize, forward_to_deserialize_any};

/// The words of an enum whose variants are words, in the order of its variants.
pub(super) fn words<T: DeserializeOwned>() -> &'static [&'static str] {
    let mut asked = Words(&[]);
    // The question is answered before the value is refused.
    let _ = T::deserialize(&mut asked);
    asked.0
}

/// The value of a word, as a configuration and a command line take it.
///
/// # Errors
/// The legal words, for any other.
pub fn word<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let read = T::deserialize(StrDeserializer::<ValueError>::new(text));
    read.map_err(|_| format!("legal is one of {}", words::<T>().join(", ")))
}

/// A deserializer that holds no value: it only takes note of the words it might have held.
struct Words(&'static [&'static str]);

impl<'de> Deserializer<'de> for &mut Words {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, ValueError> {
        Err(ValueError::custom("not an enum of words"))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, ValueError> {
        self.0 = variants;
        Err(ValueError::custom("words alone"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// The architectures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ModelKind {
    /// A multilayer perceptron: `mlp:300,100`.
    Mlp {
        /// Widths of the hidden layers, from the input on; at least one.
        hidden: Vec<usize>,
    },
}

impl ModelKind {
    /// The widest layer that is accepted.
    pub const WIDTH_LIMIT: usize = 1_000_000;

    pub(super) const LEGAL: &str =
        "`mlp:W1,W2,…` with widths from 1 to 1000000, like `mlp:300,100`";
}

impl FromStr for ModelKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refuse = || format!("a model is {}", Self::LEGAL);
        let widths = text.strip_prefix("mlp:").ok_or_else(refuse)?;
        let hidden = widths
            .split(',')
            .map(|width| match width.parse() {
                Ok(width @ 1..=Self::WIDTH_LIMIT) => Ok(width),
                _ => Err(refuse()),
            })
            .collect::<Result<_, _>>()?;
        Ok(Self::Mlp { hidden })
    }
}

impl TryFrom<String> for ModelKind {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<ModelKind> for String {
    fn from(kind: ModelKind) -> Self {
        kind.to_string()
    }
}

impl fmt::Display for ModelKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Mlp { hidden } = self;
        let widths: Vec<String> = hidden.iter().map(usize::to_string).collect();
        write!(out, "mlp:{}", widths.join(","))
    }
}

/// What multiplies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProductsKind {
    /// The faster of `tiled` and `dense` for each layer's shape, density and batch, by the table
    /// `crossover`. The last bits of a result depend on the processor's vector instructions.
    #[default]
    Auto,
    /// Active weights entry by entry with the processor's vector instructions.
    Tiled,
    /// A library's dense product, with zeros in place of inactive weights.
    Dense,
    /// Plain loops, slower, with the same bits on every processor.
    Plain,
}

/// Normalisation of the hidden layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Norm {
    /// None.
    None,
    /// Over the batch, with running statistics.
    Batch,
    /// Over the features of a sample.
    Layer,
}

/// Non-linearity of the hidden layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    /// max(x, 0).
    Relu,
    /// x·Φ(x).
    Gelu,
}

/// The members of Sparse-IFT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TransformKind {
    /// The model as it is.
    None,
    /// Wider layers.
    Wide,
    /// A sum of branches.
    Parallel,
    /// Two factors.
    Factorized,
    /// A dense low rank beside a sparse matrix.
    Doped,
}

/// What a transform keeps the cost of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Matching {
    /// The whole network, to less than one weight.
    Network,
    /// Each transformed layer by itself.
    Layer,
}

/// What becomes of layers whose inputs or outputs the data give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Edges {
    /// They keep as many active weights as they had.
    Matched,
    /// They stay dense.
    Dense,
    /// They get the sparsity of every other layer.
    Uniform,
}

/// How positions are explored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// All weights, always.
    Dense,
    /// Random positions that stay.
    Static,
    /// Drop by magnitude, grow at random.
    Set,
    /// Drop by magnitude, grow by gradient.
    Rigl,
    /// Drop below a global threshold, grow at random across layers.
    Dsr,
}

/// How the active weights are shared among layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Allocation {
    /// The same density everywhere.
    Uniform,
    /// Erdős–Rényi: density ∝ (in + out)/(in·out).
    Er,
    /// Erdős–Rényi with kernel sides.
    Erk,
}

/// How the share of dropped weights falls over the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decay {
    /// Half a cosine from the first fraction to 0.
    Cosine,
    /// Not at all.
    Constant,
    /// A straight line to 0.
    Linear,
    /// The cube of a straight line to 0.
    Cubic,
}

impl Method {
    /// How a step of the method is counted; RigL compares `sample` positions per active weight, or
    /// all for 0.
    pub fn counted(self, sample: u64) -> TrainingMethod {
        match (self, sample) {
            (Self::Dense, _) => TrainingMethod::Dense,
            (Self::Static, _) => TrainingMethod::Static,
            (Self::Set, _) => TrainingMethod::Set,
            (Self::Rigl, 0) => TrainingMethod::Rigl,
            (Self::Rigl, per_active) => TrainingMethod::RiglSampled { per_active },
            (Self::Dsr, _) => TrainingMethod::Dsr,
        }
    }
}

impl Allocation {
    /// The rule of this name.
    pub fn rule(self) -> mask::Allocation {
        match self {
            Self::Uniform => mask::Allocation::Uniform,
            Self::Er => mask::Allocation::Er,
            Self::Erk => mask::Allocation::Erk,
        }
    }
}

impl Decay {
    /// The decay a method has when none is given.
    pub(crate) fn of(method: Method) -> Self {
        match method {
            Method::Rigl => Self::Cosine,
            Method::Dense | Method::Static | Method::Set | Method::Dsr => Self::Constant,
        }
    }
}

/// The optimizers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptimizerKind {
    /// Stochastic gradient descent with momentum.
    Sgd,
    /// Adam with decoupled weight decay.
    AdamW,
}

/// How the learning rate falls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScheduleKind {
    /// Not at all.
    Constant,
    /// By a factor every so many steps.
    Step,
    /// Half a cosine to 0.
    Cosine,
    /// A straight line to 0.
    Linear,
}

// A word is shown as it is written in a configuration: serde knows how.

impl fmt::Display for ProductsKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(out)
    }
}

impl fmt::Display for Norm {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(out)
    }
}

impl fmt::Display for Activation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(out)
    }
}

impl fmt::Display for TransformKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(out)
    }
}

impl fmt::Display for Matching {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(out)
    }
}

impl fmt::Display for Edges {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(out)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(out)
    }
}

impl fmt::Display for Allocation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(out)
    }
}

impl fmt::Display for Decay {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(out)
    }
}

impl fmt::Display for OptimizerKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(out)
    }
}

impl fmt::Display for ScheduleKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serde_names_the_words_of_an_enum_and_none_of_anything_else() {
        assert_eq!(words::<Method>(), ["dense", "static", "set", "rigl", "dsr"]);
        assert_eq!(words::<OptimizerKind>(), ["sgd", "adamw"]);
        assert_eq!(words::<String>(), [""; 0]);
    }

    #[test]
    fn a_model_is_read_and_written_as_one_word() {
        for (text, widths) in [
            ("mlp:300,100", vec![300, 100]),
            ("mlp:1", vec![1]),
            ("mlp:1000000", vec![1_000_000]),
        ] {
            let kind: ModelKind = text.parse().unwrap();
            assert_eq!(kind, ModelKind::Mlp { hidden: widths });
            assert_eq!(kind.to_string(), text);
        }
    }

    #[test]
    fn anything_else_is_no_model() {
        let rows = [
            "",
            "mlp",
            "mlp:",
            "mlp:0",
            "mlp:1000001",
            "mlp:3,",
            "mlp:,3",
            "mlp:3,,3",
            "mlp:-3",
            "mlp:3.0",
            "mlp: 3",
            "cnn:3",
            "mlp:99999999999999999999",
        ];
        for text in rows {
            let error = text.parse::<ModelKind>().unwrap_err();
            assert!(error.contains("mlp:300,100"), "{text}: {error}");
        }
    }
}
