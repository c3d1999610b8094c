//go:build amd64 && !noasm

#include "go_asm.h"
#include "textflag.h"

// DECAY is decay: OUT is X with the share taken off, rounded toward zero. The products have 64 bits, of even lanes and of odd ones.
#define DECAY(X, KEEP, T, OUT) \
	VPABSD   X, T;                 \
	VPMULUDQ KEEP, T, OUT;         \
	VPSRLQ   $12, OUT, OUT;        \
	VPSRLQ   $32, T, T;            \
	VPMULUDQ KEEP, T, T;           \
	VPSLLQ   $20, T, T;            \
	VPBLENDD $0xAA, T, OUT, OUT;   \
	VPSIGND  X, OUT, OUT

// WRAP keeps the lower 32 - BITS bits of X, with their sign, and adds to ODD what is lost.
#define WRAP(BITS, X, OUT, ODD) \
	VPSLLD BITS, X, OUT;   \
	VPSRAD BITS, OUT, OUT; \
	VPXOR  X, OUT, X;      \
	VPOR   X, ODD, ODD

// func computeAVX2(x *lanes)
// Y7: bits that were lost, Y8: lanes within, Y9: lanes inactive, Y10: 0.
TEXT ·computeAVX2(SB), NOSPLIT, $0-8
	MOVQ         x+0(FP), DI
	MOVQ         lanes_u(DI), R8
	MOVQ         lanes_v(DI), R9
	MOVQ         lanes_q(DI), R10
	MOVQ         lanes_bias(DI), R11
	MOVQ         (lanes_u+8)(DI), CX
	LEAQ         lanes_fired(DI), R12
	VPBROADCASTD lanes_keepU(DI), Y15
	VPBROADCASTD lanes_keepV(DI), Y14
	VPBROADCASTD lanes_threshold(DI), Y13
	VPBROADCASTD lanes_vmin(DI), Y12
	VPBROADCASTD lanes_vmax(DI), Y11
	VPXOR        Y10, Y10, Y10
	VPXOR        Y9, Y9, Y9
	VPXOR        Y8, Y8, Y8
	SHRQ         $3, CX
	JZ           done

next:
	VMOVDQU  (R10), Y0
	VMOVDQU  Y10, (R10)
	VPCMPEQD Y0, Y10, Y6
	VPXOR    Y7, Y7, Y7
	WRAP($10, Y0, Y1, Y7)
	VMOVDQU  (R8), Y2
	DECAY(Y2, Y15, Y3, Y4)
	VPADDD   Y1, Y4, Y4
	WRAP($8, Y4, Y2, Y7)
	VMOVDQU  Y2, (R8)
	TESTQ    R11, R11
	JZ       free
	VPADDD   (R11), Y2, Y4
	WRAP($8, Y4, Y2, Y7)
	ADDQ     $32, R11

free:
	VMOVDQU   (R9), Y5
	DECAY(Y5, Y14, Y3, Y4)
	VPADDD    Y2, Y4, Y4
	VPMAXSD   Y12, Y4, Y1
	VPMINSD   Y11, Y1, Y1
	VPXOR     Y1, Y4, Y4
	VPOR      Y4, Y7, Y7
	VMOVDQU   Y1, (R9)
	VPCMPGTD  Y13, Y1, Y5
	VMOVMSKPS Y5, AX
	MOVB      AX, (R12)
	VPANDN    Y6, Y5, Y6
	VPSUBD    Y6, Y9, Y9
	VPCMPEQD  Y7, Y10, Y7
	VPSUBD    Y7, Y8, Y8
	ADDQ      $32, R8
	ADDQ      $32, R9
	ADDQ      $32, R10
	INCQ      R12
	DECQ      CX
	JNZ       next

done:
	VEXTRACTI128 $1, Y9, X0
	VPADDD       X0, X9, X0
	VPHADDD      X0, X0, X0
	VPHADDD      X0, X0, X0
	VMOVD        X0, lanes_inactive(DI)
	VEXTRACTI128 $1, Y8, X0
	VPADDD       X0, X8, X0
	VPHADDD      X0, X0, X0
	VPHADDD      X0, X0, X0
	VMOVD        X0, lanes_within(DI)
	VZEROUPPER
	RET

// func prefetchRows(first *int32, words *uint32, spikes *int32, n int)
TEXT ·prefetchRows(SB), NOSPLIT, $0-32
	MOVQ first+0(FP), R8
	MOVQ words+8(FP), R9
	MOVQ spikes+16(FP), SI
	MOVQ n+24(FP), CX

row:
	MOVLQSX (SI), AX
	MOVLQSX (R8)(AX*4), BX
	MOVLQSX 4(R8)(AX*4), DX
	LEAQ    (R9)(BX*4), BX
	LEAQ    (R9)(DX*4), DX

line:
	PREFETCHT0 (BX)
	ADDQ       $64, BX
	CMPQ       BX, DX
	JLT        line
	ADDQ       $4, SI
	DECQ       CX
	JNZ        row
	RET
