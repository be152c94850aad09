/* Places of loads that may fault, after LLVM's passes. Code generation may make one instruction
 * of a load and of what only changes the form of its value, and give it the place of the
 * latter; passes replace such instructions by new ones without a place. So whatever forms a
 * loaded value gets the load's place again. It means nothing for an instruction that cannot
 * fault. */
#include <llvm-c/DebugInfo.h>

#include "compile/internal.h"

/* Its result is the operand's value in another form. */
static bool is_form(LLVMValueRef v)
{
    switch (LLVMGetInstructionOpcode(v)) {
    case LLVMZExt:
    case LLVMSExt:
    case LLVMTrunc:
    case LLVMBitCast:
    case LLVMFPExt:
    case LLVMInsertElement:
    case LLVMExtractElement:
    case LLVMShuffleVector:
        return true;
    default:
        return false;
    }
}

/* The place that an operand hands on: that of a load, or of what has got one here. */
static LLVMMetadataRef place_of(LLVMValueRef operand)
{
    if (!LLVMIsAInstruction(operand))
        return NULL;
    if (LLVMIsALoadInst(operand) ? !LLVMGetVolatile(operand) : !is_form(operand))
        return NULL;
    return LLVMInstructionGetDebugLoc(operand);
}

static void restore(LLVMValueRef v)
{
    int count = LLVMGetNumOperands(v);

    for (int i = 0; i < count; i++) {
        LLVMMetadataRef place = place_of(LLVMGetOperand(v, (unsigned)i));

        if (place) {
            LLVMInstructionSetDebugLoc(v, place);
            return;
        }
    }
}

void compile_places_restore(LLVMValueRef fn)
{
    for (LLVMBasicBlockRef block = LLVMGetFirstBasicBlock(fn); block;
         block = LLVMGetNextBasicBlock(block))
        for (LLVMValueRef v = LLVMGetFirstInstruction(block); v; v = LLVMGetNextInstruction(v))
            if (is_form(v))
                restore(v);
}
