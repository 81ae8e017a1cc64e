import type { Command } from './driver.ts';
import { whileAlive } from './revival.ts';

/**
 * The clock of one running process, without a library that it would have to be started with. A process reads the time
 * through the vDSO, a page of code that the kernel maps into it. We write, into this process's own copy of that page, a
 * few instructions that ask the kernel and add to its answer, and turn the page's functions into jumps to them. Whoever
 * asks the kernel itself still hears the truth; engines do not. A new process has a fresh page.
 *
 * The code, x86-64 as the assembler made it; the data that it ends with follow.
 *
 *     gettime:     push rdi; push rsi; mov eax, 228; syscall; pop rsi; pop rdi   # clock_gettime(edi, rsi)
 *                  test eax, eax; jnz 9f
 *                  cmp edi, 11; ja 8f; mov ecx, [mask]; bt ecx, edi; jnc 8f      # is this clock meant?
 *                  imul r8, [rsi], 1000000000; add r8, [rsi + 8]
 *                  lea r9, [origin_real]; mov ecx, 0x821; bt ecx, edi; jc 1f     # REALTIME, its coarse kind, TAI
 *                  lea r9, [origin_mono]
 *     1:           mov rax, r8; sub rax, [r9]; imul qword [drift_ppm]; mov rcx, 1000000; idiv rcx
 *                  add rax, r8; add rax, [offset_ns]
 *                  cqo; mov rcx, 1000000000; idiv rcx; mov [rsi], rax; mov [rsi + 8], rdx
 *     8:           xor eax, eax
 *     9:           ret
 *     timeofday:   test rdi, rdi; jz 2f; push rdi; sub rsp, 16; xor edi, edi; mov rsi, rsp; call gettime
 *                  pop r8; pop rax; pop rdi; xor edx, edx; mov ecx, 1000; div rcx; mov [rdi], r8; mov [rdi + 8], rax
 *     2:           xor eax, eax; ret
 *     seconds:     push rdi; sub rsp, 16; xor edi, edi; mov rsi, rsp; call gettime; pop rax; pop rdx; pop rdi
 *                  test rdi, rdi; jz 3f; mov [rdi], rax
 *     3:           ret
 *                  .balign 8
 *     offset_ns, drift_ppm, origin_real, origin_mono, mask: .quad
 */
const code =
  '5756b8e40000000f055e5f85c0756983ff0b77628b0dc60000000fa3f973574c690600ca9a3b4c0346084c8d0d9f0000' +
  '00b9210800000fa3f972074c8d0d960000004c89c0492b0148f72d7900000048c7c140420f0048f7f94c01c04803055d' +
  '000000489948c7c100ca9a3b48f7f94889064889560831c0c34885ff7424574883ec1031ff4889e6e873ffffff415858' +
  '5f31d2b9e803000048f7f14c89074889470831c0c3574883ec1031ff4889e6e84cffffff585a5f4885ff7403488907c3';
const entries = { __vdso_clock_gettime: 0x00, __vdso_gettimeofday: 0x79, __vdso_time: 0xa5 };

/** Every process of one boot has the same vDSO, so that our own is the original of the engine's. */
const program = `
import glob, os, struct, sys, time
if os.uname().machine != 'x86_64': sys.exit('the clock of one process can be changed on x86-64 only, this machine is ' + os.uname().machine)
def vdso(pid):
    for line in open(f'/proc/{pid}/maps'):
        if line.rstrip().endswith('[vdso]'): return [int(end, 16) for end in line.split()[0].split('-')]
    sys.exit('this kernel maps no vDSO into a process, so its clock cannot be changed')
def image(pid):
    low, high = vdso(pid)
    with open(f'/proc/{pid}/mem', 'rb') as memory:
        memory.seek(low)
        return memory.read(high - low)
def functions(elf):
    at, = struct.unpack_from('<Q', elf, 32)
    size, count = struct.unpack_from('<HH', elf, 54)
    headers = [struct.unpack_from('<IIQQQQQQ', elf, at + n * size) for n in range(count)]
    dynamic = next(header for header in headers if header[0] == 2)
    tags = dict(struct.unpack_from('<QQ', elf, dynamic[3] + n) for n in range(0, dynamic[5], 16))
    names, symbols = tags[5], tags[6]
    for place in range(symbols + 24, names, 24):
        name, _, _, _, value, length = struct.unpack_from('<IBBHQQ', elf, place)
        yield elf[names + name:elf.index(0, names + name)].decode(), value, length
def idle():
    return all(not open(path).read().startswith('running') for path in glob.glob('/proc/1/task/*/syscall'))
def write(changes):
    # Nobody may stand on what is changed: every thread of the process waits for the kernel.
    for _ in range(2000):
        if idle(): break
        time.sleep(0.0005)
    low = vdso(1)[0]
    with open('/proc/1/mem', 'r+b', buffering=0) as memory:
        for place, content in changes:
            memory.seek(low + place)
            memory.write(content)
own, theirs = image('self'), image(1)
room = len(own.rstrip(b'\\0')) + 15 & ~15
jumps = {name: value for name, value, length in functions(own) if name in ENTRIES and length >= 8}
`;

const python = (node: string, text: string): Command => ({
  run: 'surgeon',
  node,
  script: `python3 - <<'PYTHON'\n${program.replace('ENTRIES', JSON.stringify(entries))}${text}\nPYTHON`,
});

/** Clocks by number: REALTIME 0, REALTIME_COARSE 5 and TAI 11; MONOTONIC 1, its raw and coarse kinds 4 and 6, BOOTTIME 7. */
const realClocks = 0x821;
const monotonicClocks = 0xd2;

export interface Skew {
  readonly offsetMs: number;
  readonly driftPercent: number;
  readonly monotonic: boolean;
}

export const skew = (node: string, { offsetMs, driftPercent, monotonic }: Skew): Command =>
  python(
    node,
    `
entries = ${JSON.stringify(entries)}
code = bytes.fromhex('${code}') + struct.pack('<5q', ${Math.round(offsetMs * 1e6)}, ${Math.round(driftPercent * 1e4)}, time.time_ns(), time.monotonic_ns(), ${realClocks | (monotonic ? monotonicClocks : 0)})
if len(jumps) != len(entries) or room + len(code) > len(own): sys.exit('the vDSO of this kernel has no room for another clock')
if own != theirs: sys.exit('the clock of this process is changed already')
write([(room, code)])
write([(place, b'\\xe9' + struct.pack('<i', room + entries[name] - place - 5) + own[place + 5:place + 8]) for name, place in jumps.items()])`,
  );

/** The jumps first, so that nobody enters any more what is taken away after them. */
export const unskew = (node: string): Command =>
  whileAlive(
    python(
      node,
      `
if own != theirs:
    write([(place, own[place:place + 8]) for place in jumps.values()])
    time.sleep(0.01)
    write([(room, own[room:])])`,
    ),
  );

export const skewResidue = (node: string): Command =>
  whileAlive(
    python(
      node,
      `\ncount = sum(one != other for one, other in zip(own, theirs))\nif count: print(f'{count} bytes of the vDSO of the engine differ from the kernel\\'s')`,
    ),
  );
