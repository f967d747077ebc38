//! The loop of the fast kernels: copies of later stages and fragments of the next step are under
//! way while a step is multiplied.
//!
//! ```text
//!            step 0 of stage s        step 1 of stage s
//! waiting                             for the copies of stage s + 1, and for all warps
//! fragments  W and X of step 1        W and X of step 0 of stage s + 1
//! products   step 0                   step 1
//! copies                              stage s + stages, into the buffer of stage s
//! ```
//!
//! The one barrier of a stage stands where its last fragments are on their way to registers: behind
//! it the next stage is there for all, and nobody needs the buffer of this one. A unit of X is
//! replaced in its own registers behind its products; W has registers for two steps, filled before
//! the products of the last unit, so that both are in use for a short time only. Copies come last,
//! because an assembler moves no `ldmatrix` across them. Stages beyond the last one are copied as
//! zeros, and so the loop has no special case.

use super::product::{Product, W_FRAGMENTS, left, quad};
use super::strip::Strip;
use super::tile::Tile;
use crate::Element;

/// Steps of a stage.
const STEPS: u32 = 2;

/// A pipelined product.
pub(crate) struct Pipeline<'a> {
    pub(crate) element: Element,
    pub(crate) tile: Tile,
    pub(crate) product: Product,
    pub(crate) w: Strip,
    pub(crate) x: Strip,
    /// What else is loaded before the first stage.
    pub(crate) before: &'a str,
    /// What else is done at the beginning of a stage; `%more` says whether another one follows.
    pub(crate) begin: &'a str,
}

impl Pipeline<'_> {
    /// Everything from the addresses to the sums.
    pub(crate) fn blocks(&self) -> Vec<String> {
        let (w, x) = (self.w.name, self.x.name);
        vec![
            self.w.copier(),
            self.x.copier(),
            self.fill(),
            self.before.to_owned(),
            self.w.reader(),
            self.x.reader(),
            self.product.registers(w, x, STEPS),
            self.first_fragments(),
            self.begin_stage(),
            self.first_step(),
            self.second_step(),
            "// Nothing may be under way into the stages, whose place the sums take.
            cp.async.wait_all;
            bar.sync 0;"
                .to_owned(),
        ]
    }

    /// The copies of the next stage to the buffer at `%write`.
    fn copies(&self) -> String {
        let w = (0..self.w.copies()).map(|index| self.w.copy(index));
        let x = (0..self.x.copies()).map(|index| self.x.copy(index));
        let copies: Vec<String> = w.chain(x).collect();
        let copies = copies.join("\n");
        let (prepare_w, prepare_x) = (self.w.prepare(), self.x.prepare());
        let (advance_w, advance_x) = (self.w.advance(), self.x.advance());
        let inner = self.tile.inner;
        format!(
            "{prepare_w}
            {prepare_x}
            {copies}
            cp.async.commit_group;
            {advance_w}
            {advance_x}
            sub.s32 %ahead, %ahead, {inner};"
        )
    }

    fn fill(&self) -> String {
        let Tile { stages, inner, .. } = self.tile;
        let (copies, stage_bytes) = (self.copies(), self.tile.stage_bytes());
        let (last, bits) = (inner - 1, inner.ilog2());
        format!(
            "// The first {stages} stages; %ahead counts the summed columns that are not copied yet.
            .reg .pred %inside, %more;
            .reg .b32 %stage, %stage_count, %ahead, %write, %read, %line, %bytes;
            .reg .b64 %source;
            mov.b32 %ahead, %inner;
            mov.b32 %write, 0;
            add.u32 %stage_count, %inner, {last};
            shr.u32 %stage_count, %stage_count, {bits};
            mov.b32 %stage, 0;
            FILL:
            {copies}
            add.u32 %write, %write, {stage_bytes};
            add.u32 %stage, %stage, 1;
            setp.lt.u32 %more, %stage, {stages};
            @%more bra FILL;
            mov.b32 %stage, 0;
            mov.b32 %read, 0;"
        )
    }

    /// Waits for a stage; so many later ones may be under way.
    fn arrival(&self, under_way: u32) -> String {
        format!(
            "cp.async.wait_group {under_way};
            bar.sync 0;"
        )
    }

    /// Where the fragments of a step are.
    fn addresses(&self, step: u32) -> String {
        format!("{}\n{}", self.w.addresses(step), self.x.addresses(step))
    }

    /// The fragments of W for a step.
    fn load_w(&self, step: u32) -> String {
        let name = left(self.w.name, step);
        (0..W_FRAGMENTS)
            .map(|m| self.w.load(&quad(&format!("{name}{m}")), m, step) + "\n")
            .collect()
    }

    /// A unit of X for a step.
    fn load_x(&self, unit: u32, step: u32) -> String {
        let to = quad(&format!("%{}{unit}", self.x.name));
        self.x.load(&to, unit, step) + "\n"
    }

    fn stage_addresses(&self) -> String {
        let (w, x) = (self.w.name, self.x.name);
        format!(
            "add.u32 %{w}_stage, %{w}_read, %read;
            add.u32 %{x}_stage, %{x}_read, %read;"
        )
    }

    fn first_fragments(&self) -> String {
        let (arrival, stage) = (self.arrival(self.tile.stages - 1), self.stage_addresses());
        let addresses = self.addresses(0);
        let w = self.load_w(0);
        let x: String = (0..self.product.units())
            .map(|unit| self.load_x(unit, 0))
            .collect();
        format!(
            "// The fragments of the first step.
            {arrival}
            {stage}
            {addresses}
            {w}{x}"
        )
    }

    fn begin_stage(&self) -> String {
        let begin = self.begin;
        format!(
            "STAGE:
            add.u32 %stage, %stage, 1;
            setp.lt.u32 %more, %stage, %stage_count;
            {begin}"
        )
    }

    /// Multiplies a step unit by unit, with the fragments of the step after and the copies between.
    fn multiply(&self, step: u32, copies: &str) -> String {
        let names = (self.w.name, self.x.name);
        let (units, next) = (self.product.units(), (step + 1) % STEPS);
        let mut lines = String::new();
        for unit in 0..units {
            if unit + 1 == units {
                lines += &self.load_w(next);
                lines += copies;
                lines += "\n";
            }
            lines += &self
                .product
                .multiply(self.element, names, unit, (step, step));
            lines += &self.load_x(unit, next);
        }
        lines
    }

    fn first_step(&self) -> String {
        let (addresses, products) = (self.addresses(1), self.multiply(0, ""));
        format!(
            "// Step 0, and the fragments of step 1.
            {addresses}
            {products}"
        )
    }

    fn second_step(&self) -> String {
        let (arrival, stage) = (self.arrival(self.tile.stages - 2), self.stage_addresses());
        let (addresses, stages) = (self.addresses(0), self.tile.stages);
        let products = self.multiply(1, &self.copies());
        let stage_bytes = self.tile.stage_bytes();
        let end = stages * stage_bytes;
        format!(
            "// Step 1, the first fragments of the next stage, and copies {stages} stages ahead.
            {arrival}
            mov.b32 %write, %read;
            add.u32 %read, %read, {stage_bytes};
            setp.eq.u32 %inside, %read, {end};
            selp.b32 %read, 0, %read, %inside;
            {stage}
            {addresses}
            {products}
            @%more bra STAGE;"
        )
    }
}
