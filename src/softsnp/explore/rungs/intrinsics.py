"""What the kernel needs of a processor and numba has no words for. Compiled into it.

A place in memory is its address, a number: an array that is handed to an inlined function in a
loop has its references counted there, which takes longer than what the function does.
"""

# mypy: ignore-errors
# numba infers the types, and none of this is called from Python.

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

WORD, BYTE = ir.IntType(64), ir.IntType(8)


def ask_for(builder, pointer):
    pointer = builder.bitcast(pointer, BYTE.as_pointer())
    number = ir.IntType(32)
    kind = ir.FunctionType(ir.VoidType(), [pointer.type, number, number, number])
    function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
    builder.call(function, [pointer, number(0), number(3), number(1)])


@intrinsic
def prefetch(context, array, index):
    """Ask for the cache line of an array's element, which will be read soon."""

    def code(context, builder, signature, arguments):
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        ask_for(builder, builder.gep(data, [arguments[1]]))
        return context.get_dummy_value()

    return types.void(array, index), code


@intrinsic
def prefetch_at(context, at):
    """The same for an address."""

    def code(context, builder, signature, arguments):
        ask_for(builder, builder.inttoptr(arguments[0], BYTE.as_pointer()))
        return context.get_dummy_value()

    return types.void(types.uint64), code


@intrinsic
def address(context, array):
    """Where an array is."""

    def code(context, builder, signature, arguments):
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        return builder.ptrtoint(data, WORD)

    return types.uint64(array), code


@intrinsic
def call(context, function, frame, count):
    """Call emitted code (llvm.py) for the first ``count`` states of a batch."""

    def code(context, builder, signature, arguments):
        data = context.make_array(signature.args[1])(context, builder, arguments[1]).data
        kind = ir.FunctionType(WORD, [data.type, WORD])
        function = builder.inttoptr(arguments[0], kind.as_pointer())
        return builder.call(function, [data, arguments[2]])

    return types.int64(types.int64, frame, types.int64), code


@intrinsic
def count_in(context, at):
    """Add one to the word at an address, for all threads to see."""

    def code(context, builder, signature, arguments):
        pointer = builder.inttoptr(arguments[0], WORD.as_pointer())
        return builder.atomic_rmw("add", pointer, WORD(1), "seq_cst")

    return types.uint64(types.uint64), code


@intrinsic
def counted(context, at):
    """The word at an address, as other threads have made it by now."""

    def code(context, builder, signature, arguments):
        pointer = builder.inttoptr(arguments[0], WORD.as_pointer())
        return builder.load_atomic(pointer, "seq_cst", 8)

    return types.uint64(types.uint64), code


@intrinsic
def let_others(context):
    """Let another thread have the core, if one waits for it."""

    def code(context, builder, signature, arguments):
        kind = ir.FunctionType(ir.IntType(32), [])
        builder.call(cgutils.get_or_insert_function(builder.module, kind, "sched_yield"), [])
        return context.get_dummy_value()

    return types.void(), code


def lanes(bits, first, count):
    """A function of where a line begins, and a value.

    Of the ``count`` parts of so many bits that begin at the byte ``first`` of the line, it says
    which have the value, the first as the lowest bit.
    """

    @intrinsic
    def equal(context, at, value):
        def code(context, builder, signature, arguments):
            part = ir.IntType(bits)
            parts = ir.VectorType(part, count)
            at = builder.add(arguments[0], WORD(first))
            there = builder.load(builder.inttoptr(at, parts.as_pointer()))
            there.align = 4
            wanted = builder.trunc(arguments[1], part)
            one = builder.insert_element(parts(ir.Undefined), wanted, ir.IntType(32)(0))
            every = ir.VectorType(ir.IntType(32), count)([0] * count)
            same = builder.icmp_unsigned("==", there, builder.shuffle_vector(one, one, every))
            return builder.zext(builder.bitcast(same, ir.IntType(count)), WORD)

        return types.uint64(types.uint64, types.uint64), code

    return equal


@intrinsic
def lowest(context, mask):
    """The number of the lowest bit that is set."""

    def code(context, builder, signature, arguments):
        return builder.cttz(arguments[0], ir.IntType(1)(1))

    return types.uint64(types.uint64), code


def stored(bits):
    """A function that writes a value of so many bits to an address."""

    @intrinsic
    def store(context, at, value):
        def code(context, builder, signature, arguments):
            slot = ir.IntType(bits)
            wanted = arguments[1] if bits == 64 else builder.trunc(arguments[1], slot)
            pointer = builder.inttoptr(arguments[0], slot.as_pointer())
            builder.store(wanted, pointer).align = bits // 8
            return context.get_dummy_value()

        return types.void(types.uint64, types.uint64), code

    return store


store_8, store_16, store_32, store_64 = stored(8), stored(16), stored(32), stored(64)


def loaded(bits):
    """A function that reads so many bits at an address."""

    @intrinsic
    def load(context, at):
        def code(context, builder, signature, arguments):
            pointer = builder.inttoptr(arguments[0], ir.IntType(bits).as_pointer())
            found = builder.load(pointer)
            found.align = bits // 8
            return found if bits == 64 else builder.zext(found, WORD)

        return types.uint64(types.uint64), code

    return load


load_8, load_16, load_32, load_64 = loaded(8), loaded(16), loaded(32), loaded(64)
