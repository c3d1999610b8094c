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

// func integrateAVX2(sums *[Neurons]int16, rows *row, n int)
TEXT ·integrateAVX2(SB), NOSPLIT, $0-24
	MOVQ    sums+0(FP), DI
	VMOVDQU ·lanes(SB), Y15

	MOVQ    rows+8(FP), SI
	MOVQ    n+16(FP), CX
	VMOVDQU 0(DI), Y0
	VMOVDQU 32(DI), Y1
	VMOVDQU 64(DI), Y2
	VMOVDQU 96(DI), Y3
	VMOVDQU 128(DI), Y4
	VMOVDQU 160(DI), Y5
	VMOVDQU 192(DI), Y6
	VMOVDQU 224(DI), Y7

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

	MOVQ    rows+8(FP), SI
	MOVQ    n+16(FP), CX
	VMOVDQU 256(DI), Y0
	VMOVDQU 288(DI), Y1
	VMOVDQU 320(DI), Y2
	VMOVDQU 352(DI), Y3
	VMOVDQU 384(DI), Y4
	VMOVDQU 416(DI), Y5
	VMOVDQU 448(DI), Y6
	VMOVDQU 480(DI), Y7

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
// Y0: V before, Y1: V, Y3: no spike, Y4: below the negative threshold, Y7: bits.
TEXT ·updateAVX2(SB), NOSPLIT, $0-32
	MOVQ  v+0(FP), DI
	MOVQ  sums+8(FP), SI
	MOVQ  p+16(FP), R8
	MOVQ  o+24(FP), R9
	VPXOR Y7, Y7, Y7
	XORQ  BX, BX

next:
	VMOVDQU   (DI), Y0
	VPMOVSXWD (SI), Y1
	VPADDD    Y0, Y1, Y1
	VMOVDQU   (R8), Y2
	VMOVDQU   1024(R8), Y5
	VPCMPGTD  Y1, Y2, Y3
	VPCMPGTD  Y1, Y5, Y4
	VMOVMSKPS Y3, AX
	VMOVMSKPS Y4, CX
	ANDL      AX, CX
	XORL      $255, AX
	MOVB      AX, (R9)(BX*1)
	MOVB      CX, 32(R9)(BX*1)
	ORL       CX, AX
	JNZ       reset

store:
	VPCMPEQD  Y0, Y1, Y5
	VMOVMSKPS Y5, AX
	MOVB      AX, 64(R9)(BX*1)
	VPSRAD    $31, Y1, Y6
	VPXOR     Y1, Y6, Y6
	VPOR      Y6, Y7, Y7
	VMOVDQU   Y1, (DI)
	ADDQ      $32, DI
	ADDQ      $16, SI
	ADDQ      $32, R8
	INCQ      BX
	CMPQ      BX, $32
	JLT       next

	VEXTRACTI128 $1, Y7, X0
	VPOR         X7, X0, X0
	VPSHUFD      $0x4E, X0, X1
	VPOR         X1, X0, X0
	VPSHUFD      $0xB1, X0, X1
	VPOR         X1, X0, X0
	VMOVD        X0, AX
	MOVL         AX, 96(R9)
	VZEROUPPER
	RET

reset:
	VPAND     2048(R8), Y1, Y8
	VPADDD    3072(R8), Y8, Y8
	VPAND     4096(R8), Y1, Y9
	VPADDD    5120(R8), Y9, Y9
	VBLENDVPS Y4, Y9, Y1, Y1
	VBLENDVPS Y3, Y1, Y8, Y1
	JMP       store
