//go:build amd64 && !noasm

#include "textflag.h"

// The bits of a word of 16 neurons.
DATA ·lanes+0(SB)/8, $0x0008000400020001
DATA ·lanes+8(SB)/8, $0x0080004000200010
DATA ·lanes+16(SB)/8, $0x0800040002000100
DATA ·lanes+24(SB)/8, $0x8000400020001000
GLOBL ·lanes(SB), RODATA|NOPTR, $32

// ADD adds to SUM the weights of 16 neurons, group K of the core, that the row reaches.
#define ADD(K, SUM, T) \
	VPBROADCASTW (2*K)(AX), T;   \
	VPAND        Y15, T, T;      \
	VPCMPEQW     Y15, T, T;      \
	VPAND        (32*K)(BX), T, T; \
	VPADDW       T, SUM, SUM

// FOLD ors the double words of Y, whose lower half is X, into AX.
#define FOLD(Y, X) \
	VEXTRACTI128 $1, Y, X0;  \
	VPOR         X, X0, X0;  \
	VPSHUFD      $0x4E, X0, X1; \
	VPOR         X1, X0, X0; \
	VPSHUFD      $0xB1, X0, X1; \
	VPOR         X1, X0, X0; \
	VMOVD        X0, AX

// func integrateAVX2(sums, from *[Neurons]int16, rows *row, n int)
TEXT ·integrateAVX2(SB), NOSPLIT, $0-32
	MOVQ    sums+0(FP), DI
	MOVQ    from+8(FP), R8
	VMOVDQU ·lanes(SB), Y15

	MOVQ    rows+16(FP), SI
	MOVQ    n+24(FP), CX
	VMOVDQU 0(R8), Y0
	VMOVDQU 32(R8), Y1
	VMOVDQU 64(R8), Y2
	VMOVDQU 96(R8), Y3
	VMOVDQU 128(R8), Y4
	VMOVDQU 160(R8), Y5
	VMOVDQU 192(R8), Y6
	VMOVDQU 224(R8), Y7

lower:
	MOVQ 0(SI), AX
	MOVQ 8(SI), BX
	ADD(0, Y0, Y8)
	ADD(1, Y1, Y9)
	ADD(2, Y2, Y10)
	ADD(3, Y3, Y11)
	ADD(4, Y4, Y8)
	ADD(5, Y5, Y9)
	ADD(6, Y6, Y10)
	ADD(7, Y7, Y11)
	ADDQ $16, SI
	DECQ CX
	JNZ  lower

	VMOVDQU Y0, 0(DI)
	VMOVDQU Y1, 32(DI)
	VMOVDQU Y2, 64(DI)
	VMOVDQU Y3, 96(DI)
	VMOVDQU Y4, 128(DI)
	VMOVDQU Y5, 160(DI)
	VMOVDQU Y6, 192(DI)
	VMOVDQU Y7, 224(DI)

	MOVQ    rows+16(FP), SI
	MOVQ    n+24(FP), CX
	VMOVDQU 256(R8), Y0
	VMOVDQU 288(R8), Y1
	VMOVDQU 320(R8), Y2
	VMOVDQU 352(R8), Y3
	VMOVDQU 384(R8), Y4
	VMOVDQU 416(R8), Y5
	VMOVDQU 448(R8), Y6
	VMOVDQU 480(R8), Y7

upper:
	MOVQ 0(SI), AX
	MOVQ 8(SI), BX
	ADD(8, Y0, Y8)
	ADD(9, Y1, Y9)
	ADD(10, Y2, Y10)
	ADD(11, Y3, Y11)
	ADD(12, Y4, Y8)
	ADD(13, Y5, Y9)
	ADD(14, Y6, Y10)
	ADD(15, Y7, Y11)
	ADDQ $16, SI
	DECQ CX
	JNZ  upper

	VMOVDQU Y0, 256(DI)
	VMOVDQU Y1, 288(DI)
	VMOVDQU Y2, 320(DI)
	VMOVDQU Y3, 352(DI)
	VMOVDQU Y4, 384(DI)
	VMOVDQU Y5, 416(DI)
	VMOVDQU Y6, 448(DI)
	VMOVDQU Y7, 480(DI)
	VZEROUPPER
	RET

// func updateAVX2(v *[Neurons]int32, sums *[Neurons]int16, p *plain, o *outcome)
// Y0: V before, Y1: V, Y3: a spike, Y4: not below the negative threshold, Y7: bits, Y11: what changed.
TEXT ·updateAVX2(SB), NOSPLIT, $0-32
	MOVQ    v+0(FP), DI
	MOVQ    sums+8(FP), SI
	MOVQ    p+16(FP), R8
	MOVQ    o+24(FP), R9
	VPXOR   Y7, Y7, Y7
	VPXOR   Y11, Y11, Y11
	VMOVDQU Y7, (R9)
	VMOVDQU Y7, 32(R9)
	XORQ    BX, BX

next:
	VMOVDQU   (DI)(BX*2), Y0
	VPMOVSXWD (SI)(BX*1), Y1
	VPADDD    Y0, Y1, Y1
	VPCMPGTD  (R8)(BX*2), Y1, Y3
	VPCMPGTD  1024(R8)(BX*2), Y1, Y4
	VPANDN    Y4, Y3, Y5
	VMOVMSKPS Y5, AX
	CMPL      AX, $255
	JNE       reset

store:
	VMOVDQU Y1, (DI)(BX*2)
	VPXOR   Y0, Y1, Y0
	VPOR    Y0, Y11, Y11
	VPSRAD  $31, Y1, Y6
	VPXOR   Y1, Y6, Y6
	VPOR    Y6, Y7, Y7
	ADDQ    $16, BX
	CMPQ    BX, $512
	JLT     next

	FOLD(Y7, X7)
	MOVL         AX, 64(R9)
	FOLD(Y11, X11)
	MOVL         AX, 68(R9)
	VZEROUPPER
	RET

reset:
	VMOVMSKPS Y3, CX
	NOTL      AX
	ANDL      $255, AX
	XORL      CX, AX
	MOVQ      BX, DX
	SHRQ      $4, DX
	MOVB      CX, (R9)(DX*1)
	MOVB      AX, 32(R9)(DX*1)
	VPAND     2048(R8)(BX*2), Y1, Y8
	VPADDD    3072(R8)(BX*2), Y8, Y8
	VPAND     4096(R8)(BX*2), Y1, Y9
	VPADDD    5120(R8)(BX*2), Y9, Y9
	VBLENDVPS Y4, Y1, Y9, Y1
	VBLENDVPS Y3, Y8, Y1, Y1
	JMP       store

// MASK is the bits of 32 neurons from two vectors of 16.
#define MASK(LOW, HIGH, T, OUT) \
	VPACKSSWB HIGH, LOW, T; \
	VPERMQ    $0xD8, T, T;  \
	VPMOVMSKB T, OUT

// func updateNarrowAVX2(v, sums *[Neurons]int16, p *narrow, o *outcome)
// Y0, Y1: V before, Y2, Y3: V, Y4, Y5: a spike, Y6, Y7: not below the negative threshold, Y14: bits, Y15: what changed. Spikes come at
// random, so that they are computed without a branch; negative resets are left out where there are none.
TEXT ·updateNarrowAVX2(SB), NOSPLIT, $0-32
	MOVQ  v+0(FP), DI
	MOVQ  sums+8(FP), SI
	MOVQ  p+16(FP), R8
	MOVQ  o+24(FP), R9
	VPXOR Y14, Y14, Y14
	VPXOR Y15, Y15, Y15
	XORQ  BX, BX

next:
	VMOVDQU   (DI)(BX*1), Y0
	VMOVDQU   32(DI)(BX*1), Y1
	VPADDW    (SI)(BX*1), Y0, Y2
	VPADDW    32(SI)(BX*1), Y1, Y3
	VPCMPGTW  (R8)(BX*1), Y2, Y4
	VPCMPGTW  32(R8)(BX*1), Y3, Y5
	VPCMPGTW  512(R8)(BX*1), Y2, Y6
	VPCMPGTW  544(R8)(BX*1), Y3, Y7
	VPAND     1024(R8)(BX*1), Y2, Y8
	VPAND     1056(R8)(BX*1), Y3, Y9
	VPADDW    1536(R8)(BX*1), Y8, Y8
	VPADDW    1568(R8)(BX*1), Y9, Y9
	VPOR      Y4, Y6, Y6
	VPOR      Y5, Y7, Y7
	MASK(Y4, Y5, Y10, CX)
	MASK(Y6, Y7, Y11, AX)
	MOVQ      BX, DX
	SHRQ      $4, DX
	NOTL      AX
	MOVL      CX, (R9)(DX*1)
	MOVL      AX, 32(R9)(DX*1)
	TESTL     AX, AX
	JNZ       below

spike:
	VPBLENDVB Y4, Y8, Y2, Y2
	VPBLENDVB Y5, Y9, Y3, Y3
	VMOVDQU   Y2, (DI)(BX*1)
	VMOVDQU   Y3, 32(DI)(BX*1)
	VPXOR     Y0, Y2, Y0
	VPXOR     Y1, Y3, Y1
	VPOR      Y0, Y15, Y15
	VPOR      Y1, Y15, Y15
	VPSRAW    $15, Y2, Y10
	VPSRAW    $15, Y3, Y11
	VPXOR     Y2, Y10, Y10
	VPXOR     Y3, Y11, Y11
	VPOR      Y10, Y14, Y14
	VPOR      Y11, Y14, Y14
	ADDQ      $64, BX
	CMPQ      BX, $512
	JLT       next

	FOLD(Y14, X14)
	MOVL         AX, CX
	SHRL         $16, CX
	ORL          CX, AX
	ANDL         $0xFFFF, AX
	MOVL         AX, 64(R9)
	FOLD(Y15, X15)
	MOVL         AX, CX
	SHRL         $16, CX
	ORL          CX, AX
	ANDL         $0xFFFF, AX
	MOVL         AX, 68(R9)
	VZEROUPPER
	RET

below: // Y6, Y7: not so
	VPAND     2048(R8)(BX*1), Y2, Y10
	VPAND     2080(R8)(BX*1), Y3, Y11
	VPADDW    2560(R8)(BX*1), Y10, Y10
	VPADDW    2592(R8)(BX*1), Y11, Y11
	VPBLENDVB Y6, Y2, Y10, Y2
	VPBLENDVB Y7, Y3, Y11, Y3
	JMP       spike

// func prefetchRows(rows *[Axons]set, types *axonTypes, axons *uint8, n int)
TEXT ·prefetchRows(SB), NOSPLIT, $0-32
	MOVQ rows+0(FP), DI
	MOVQ types+8(FP), DX
	MOVQ axons+16(FP), SI
	MOVQ n+24(FP), CX

	PREFETCHT0 (DX)

one:
	MOVBLZX    (SI), AX
	SHLQ       $5, AX
	PREFETCHT0 (DI)(AX*1)
	INCQ       SI
	DECQ       CX
	JNZ        one
	RET

// func prefetchSends(sends *[Neurons]send, fired *set)
TEXT ·prefetchSends(SB), NOSPLIT, $0-16
	MOVQ sends+0(FP), DI
	MOVQ fired+8(FP), SI
	MOVQ $4, CX

word:
	MOVQ (SI), AX

bit:
	BSFQ       AX, BX
	JZ         done
	PREFETCHT0 (DI)(BX*8)
	LEAQ       -1(AX), DX
	ANDQ       DX, AX
	JMP        bit

done:
	ADDQ $8, SI
	ADDQ $512, DI
	DECQ CX
	JNZ  word
	RET
