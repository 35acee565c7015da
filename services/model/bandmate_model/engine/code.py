"""Machine code for the engines, generated when a model is loaded: a thin layer over LLVM's IR builder.

Everything is written in vectors of LANES floats and explicit fused multiply-adds, which LLVM splits to what the
processor has (AVX-512, AVX2, NEON), and in exact sums of integers. So the order of every sum of floats is fixed by
this code alone, and a song is the same on every machine, whatever else is composed at the same time. No optimising
passes run, so the code is executed as written here, and compiling takes a fraction of a second."""

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from llvmlite import binding, ir

LANES = 16
F32 = ir.FloatType()
F64 = ir.DoubleType()
I8 = ir.IntType(8)
I16 = ir.IntType(16)
I32 = ir.IntType(32)
I64 = ir.IntType(64)
POINTER = ir.PointerType()
VECTOR = ir.VectorType(F32, LANES)
INTEGERS = ir.VectorType(I32, LANES)
SHORTS = ir.VectorType(I16, LANES)
PAIRS = ir.VectorType(I16, 2 * LANES)
"""Two 16-bit integers a lane."""

Value = Any
"""A value of the generated code; llvmlite has no types."""


class Code:
    """Builds one function."""

    def __init__(self, module: Any, name: str, arguments: Sequence[Any], *, internal: bool = False) -> None:
        self.module = module
        self.function = ir.Function(module, ir.FunctionType(ir.VoidType(), arguments), name)
        if internal:
            self.function.linkage = "internal"
        self.builder = ir.IRBuilder(self.function.append_basic_block())
        self.arguments: list[Value] = list(self.function.args)

    def end(self) -> Any:
        self.builder.ret_void()
        return self.function

    def call(self, function: Any, *arguments: Value) -> None:
        self.builder.call(
            function, [self.integer(argument) if isinstance(argument, int) else argument for argument in arguments]
        )

    def loop(
        self,
        start: Value,
        stop: Value,
        step: int,
        carried: Sequence[Value],
        body: Callable[[Value, list[Value]], Sequence[Value]],
    ) -> list[Value]:
        """`for index in range(start, stop, step)`: the body gets the index and what it returned the last time."""
        before = self.builder.block
        head, inside, after = (self.function.append_basic_block() for _ in range(3))
        start, stop = (self.integer(bound) if isinstance(bound, int) else bound for bound in (start, stop))
        self.builder.branch(head)
        self.builder.position_at_end(head)
        phis = [self.builder.phi(value.type) for value in (start, *carried)]
        for phi, value in zip(phis, (start, *carried), strict=True):
            phi.add_incoming(value, before)
        self.builder.cbranch(self.builder.icmp_signed("<", phis[0], stop), inside, after)
        self.builder.position_at_end(inside)
        results = list(body(phis[0], phis[1:]))
        following = self.builder.add(phis[0], self.integer(step))
        for phi, value in zip(phis, (following, *results), strict=True):
            phi.add_incoming(value, self.builder.block)
        self.builder.branch(head)
        self.builder.position_at_end(after)
        return list(phis[1:])

    def for_each(self, start: Value, stop: Value, body: Callable[[Value], None], step: int = 1) -> None:
        """A loop without carried values."""

        def run(index: Value, _: list[Value]) -> Sequence[Value]:
            body(index)
            return ()

        self.loop(start, stop, step, (), run)

    def integer(self, value: int) -> Value:
        return ir.Constant(I64, value)

    def add(self, *values: Value | int) -> Value:
        """The sum of 64-bit integers."""
        return self._fold(self.builder.add, values)

    def times(self, *values: Value | int) -> Value:
        """The product of 64-bit integers."""
        return self._fold(self.builder.mul, values)

    def _fold(self, operation: Any, values: Sequence[Value | int]) -> Value:
        result = None
        for value in values:
            operand = self.integer(value) if isinstance(value, int) else value
            result = operand if result is None else operation(result, operand)
        return result

    def at(self, pointer: Value, index: Value | int, kind: Any = F32) -> Value:
        """The address of element `index` of an array of `kind`."""
        index = self.integer(index) if isinstance(index, int) else index
        return self.builder.gep(pointer, [index], source_etype=kind)

    def load(self, pointer: Value, index: Value | int, kind: Any = F32) -> Value:
        return self.builder.load(self.at(pointer, index, kind), typ=kind)

    def store(self, value: Value, pointer: Value, index: Value | int) -> None:
        self.builder.store(value, self.at(pointer, index, value.type))

    def vector(self, pointer: Value, index: Value | int) -> Value:
        """LANES floats from element `index` on."""
        return self.builder.load(self.at(pointer, index), typ=VECTOR, align=4)

    def put(self, value: Value, pointer: Value, index: Value | int) -> None:
        """LANES floats to element `index` and on."""
        self.builder.store(value, self.at(pointer, index), align=4)

    def pairs(self, pointer: Value, index: Value | int, kind: Any) -> Value:
        """LANES pairs of integers from element `index` on, of 8 or 16 bits (`kind`)."""
        loaded = self.builder.load(self.at(pointer, index, kind), typ=ir.VectorType(kind, 2 * LANES), align=1)
        return loaded if kind == I16 else self.builder.sext(loaded, PAIRS)

    def pair(self, pointer: Value, index: Value | int) -> Value:
        """The two 16-bit integers from element `index` on, in every lane."""
        two_shorts = self.builder.load(self.at(pointer, index, I16), typ=I32, align=2)
        return self.builder.bitcast(self.broadcast(two_shorts), PAIRS)

    def dot(self, total: Value, a: Value, b: Value, *, at_once: int) -> Value:
        """Each lane of `total`, 32-bit integers, plus both products of its pair of `a` and of `b`.

        `at_once`: Machine.products. Exact on every processor, unless a pair of both is (-32768, -32768).
        """
        builder = self.builder
        if at_once == 2 * LANES:
            return builder.add(total, builder.call(self._multiply_pairs("avx512.pmaddw.d.512", LANES), [a, b]))
        if at_once == LANES:
            multiply = self._multiply_pairs("avx2.pmadd.wd", LANES // 2)
            halves = []
            for start in (0, LANES):
                mask = ir.Constant(ir.VectorType(I32, LANES), [*range(start, start + LANES)])
                halves.append(
                    builder.call(multiply, [builder.shuffle_vector(operand, operand, mask) for operand in (a, b)])
                )
            return builder.add(total, builder.shuffle_vector(*halves, ir.Constant(INTEGERS, [*range(LANES)])))
        for start in (0, 1):
            mask = ir.Constant(INTEGERS, [*range(start, 2 * LANES, 2)])
            wide_a, wide_b = (
                builder.sext(builder.shuffle_vector(operand, operand, mask), INTEGERS) for operand in (a, b)
            )
            total = builder.add(total, builder.mul(wide_a, wide_b))
        return total

    def _multiply_pairs(self, name: str, lanes: int) -> Any:
        full = f"llvm.x86.{name}"
        operand_kind = ir.VectorType(I16, 2 * lanes)
        kind = ir.FunctionType(ir.VectorType(I32, lanes), [operand_kind, operand_kind])
        return self.module.globals.get(full) or ir.Function(self.module, kind, full)

    def rounded(self, value: Value) -> Value:
        """Floats as the nearest integers, of 32 bits."""
        return self.builder.fptosi(self.unary("llvm.rint", value), INTEGERS)

    def put_shorts(self, value: Value, pointer: Value, index: Value | int) -> None:
        """Floats, rounded to the nearest 16-bit integers."""
        shorts = self.builder.trunc(self.rounded(value), SHORTS)
        self.builder.store(shorts, self.at(pointer, index, I16), align=2)

    def broadcast(self, value: Value) -> Value:
        """A vector of one 32-bit integer."""
        vector = self.builder.insert_element(ir.Constant(INTEGERS, ir.Undefined), value, ir.Constant(I32, 0))
        return self.builder.shuffle_vector(vector, vector, ir.Constant(INTEGERS, [0] * LANES))

    def splat(self, value: Value | float) -> Value:
        """A vector of one value."""
        if isinstance(value, float):
            return ir.Constant(VECTOR, [value] * LANES)
        vector = self.builder.insert_element(ir.Constant(VECTOR, ir.Undefined), value, ir.Constant(I32, 0))
        return self.builder.shuffle_vector(vector, vector, ir.Constant(INTEGERS, [0] * LANES))

    def fma(self, a: Value, b: Value, c: Value) -> Value:
        """a * b + c, rounded once."""
        return self._intrinsic("llvm.fma", a, b, c)

    def unary(self, name: str, value: Value) -> Value:
        return self._intrinsic(name, value)

    def _intrinsic(self, name: str, *values: Value) -> Value:
        """An operation of LLVM's on floats or vectors of them, all of one type."""
        kind = values[0].type
        full = f"{name}.{'f32' if kind == F32 else f'v{LANES}f32'}"
        declared = self.module.globals.get(full)
        if declared is None:
            declared = ir.Function(self.module, ir.FunctionType(kind, [kind] * len(values)), full)
        return self.builder.call(declared, values)

    def maximum(self, a: Value, b: Value) -> Value:
        return self.builder.select(self.builder.fcmp_ordered(">", a, b), a, b)

    def minimum(self, a: Value, b: Value) -> Value:
        return self.builder.select(self.builder.fcmp_ordered("<", a, b), a, b)

    def reduce(self, value: Value, operation: Callable[[Value, Value], Value]) -> Value:
        """The lanes of a vector combined to one float: halves, quarters, …"""
        width = LANES
        while width > 1:
            width //= 2
            masks = [ir.Constant(ir.VectorType(I32, width), [*range(at, at + width)]) for at in (0, width)]
            low, high = (self.builder.shuffle_vector(value, value, mask) for mask in masks)
            value = operation(low, high)
        return self.builder.extract_element(value, ir.Constant(I32, 0))

    def lanes_below(self, index: Value, stop: Value) -> Value:
        """Which lanes of the vector that begins at element `index` are elements before `stop`."""
        remaining = self.builder.trunc(self.builder.sub(stop, index), I32)
        return self.builder.icmp_signed("<", ir.Constant(INTEGERS, [*range(LANES)]), self.broadcast(remaining))

    def count(self, mask: Value) -> Value:
        """How many lanes of a comparison are true."""
        name, bits = f"llvm.ctpop.i{LANES}", ir.IntType(LANES)
        declared = self.module.globals.get(name) or ir.Function(self.module, ir.FunctionType(bits, [bits]), name)
        return self.builder.zext(self.builder.call(declared, [self.builder.bitcast(mask, bits)]), I64)

    def exp(self, value: Value) -> Value:
        """e to the power of each lane, to about one unit in the last place; 0 below -87."""
        builder = self.builder
        value = self.maximum(self.minimum(value, self.splat(88.0)), self.splat(-87.0))
        exponent_of_two = self.unary("llvm.rint", builder.fmul(value, self.splat(1.4426950408889634)))
        remainder = self.fma(exponent_of_two, self.splat(-0.693145751953125), value)
        remainder = self.fma(exponent_of_two, self.splat(-1.4286068203094172e-06), remainder)
        result = self.splat(1 / 5040)
        for factor in (1 / 720, 1 / 120, 1 / 24, 1 / 6, 0.5, 1.0, 1.0):
            result = self.fma(result, remainder, self.splat(factor))
        exponent = builder.add(builder.fptosi(exponent_of_two, INTEGERS), ir.Constant(INTEGERS, [127] * LANES))
        power = builder.bitcast(builder.shl(exponent, ir.Constant(INTEGERS, [23] * LANES)), VECTOR)
        return builder.fmul(result, power)

    def sigmoid(self, value: Value) -> Value:
        one = self.splat(1.0)
        return self.builder.fdiv(one, self.builder.fadd(one, self.exp(self.builder.fneg(value))))

    def tanh(self, value: Value) -> Value:
        two = self.splat(2.0)
        return self.fma(two, self.sigmoid(self.builder.fmul(two, value)), self.splat(-1.0))


@dataclass(frozen=True, slots=True)
class Machine:
    """The processor to write code for."""

    cpu: str
    features: str
    wide: bool
    """Whether LANES floats fit one register and there are 32 of them."""

    @property
    def products(self) -> int:
        """How many products of 16-bit integers one instruction adds in pairs; 0: no known instruction."""
        features = self.features.split(",")
        return 2 * LANES if "+avx512bw" in features else LANES if "+avx2" in features else 0

    @staticmethod
    def host() -> "Machine":
        features = binding.get_host_cpu_features()
        return Machine(binding.get_host_cpu_name(), features.flatten(), bool(features.get("avx512f")))


class Compiled:
    """Functions in memory, called by name with addresses and integers; calls let other threads run."""

    def __init__(self, module: Any, machine: Machine) -> None:
        binding.initialize_native_target()
        binding.initialize_native_asmprinter()
        parsed = binding.parse_assembly(str(module))
        target = binding.Target.from_default_triple().create_target_machine(
            cpu=machine.cpu, features=machine.features, opt=2
        )
        self._engine = binding.create_mcjit_compiler(parsed, target)
        self._engine.finalize_object()

    def function(self, name: str, arguments: int, *, numbers: int = 0, short: bool = False) -> Callable[..., None]:
        """`numbers`: how many 64-bit floats follow. `short`: fast enough to keep the GIL."""
        prototype = (ctypes.PYFUNCTYPE if short else ctypes.CFUNCTYPE)(
            None, *[ctypes.c_int64] * arguments, *[ctypes.c_double] * numbers
        )
        called: Callable[..., None] = prototype(self._engine.get_function_address(name))
        return called
