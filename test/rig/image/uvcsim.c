// A virtual USB camera for the test rig: `uvcsim [--port N] FILE.jpg...`
//
// It plays a high-speed USB Video Class device towards the kernel's virtual host controller
// (vhci_hcd), which takes one end of a socket pair and speaks USB/IP over it. Everything above is
// real: the USB core, uvcvideo, udev. Ending this process closes the socket, and that is a cable
// being pulled. At SIGUSR1 the camera hangs: it answers nothing any more, until SIGUSR2.
//
//   MJPG 640x480 at 30 or 15 frames a second: the given files, in turn
//   YUYV 320x240 at 30: eight 75 % colour bars, BT.601, limited range, over a grey strip of 8 rows
//        whose brightness changes with every frame, so that a frozen picture can be told
//
// References in the text: "USB" is USB 2.0, "UVC" is USB Video Class 1.1 (request codes: its
// table A-8, descriptor layouts: chapter 3), "USB/IP" is the kernel's
// Documentation/usb/usbip_protocol.rst.

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LE16(x) ((x) & 255), (((x) >> 8) & 255)
#define LE32(x) LE16((x) & 0xffff), LE16(((x) >> 16) & 0xffff)

enum {
  mjpgFrameBytesMax = 614400,  // What a YUYV frame of that size would take: no JPEG is larger.
  yuyvWidth = 320,
  yuyvHeight = 240,
  yuyvFrameBytes = yuyvWidth * yuyvHeight * 2,
  yuyvStripRows = 8,
  payloadBytesMax = 16384,  // One bulk payload, header included (UVC 2.4.3.2).
  packetBytes = 512,        // A high-speed bulk packet (USB 5.8.3).
  requestsMax = 256,        // uvcvideo keeps 5 in flight.
  interval30 = 333333,      // In units of 100 ns, as UVC counts.
  interval15 = 666666,
  mjpgFormat = 1,
  yuyvFormat = 2,
  // Terminal and interface numbers, as the descriptors below say.
  streamingInterface = 1,
};

// Descriptors.

static const uint8_t deviceDescriptor[] = {
    18, 1, LE16(0x0200), 0xEF, 2, 1, 64, LE16(0x1d6b), LE16(0x0102), LE16(0x0100), 1, 2, 3, 1};

#define COLOUR 6
#define CONTROL_LENGTH (13 + 18 + 9)
#define MJPG_LENGTH (11 + 34 + COLOUR)
#define YUYV_LENGTH (27 + 30 + COLOUR)
#define STREAMING_LENGTH (15 + MJPG_LENGTH + YUYV_LENGTH)
#define TOTAL_LENGTH (9 + 8 + 9 + CONTROL_LENGTH + 9 + STREAMING_LENGTH + 7)

// Primaries and transfer of BT.709, matrix of BT.601 (UVC 3.9.2.6), as most webcams say.
#define COLOUR_MATCHING COLOUR, 0x24, 0x0D, 1, 1, 4

static const uint8_t configurationDescriptor[] = {
    9, 2, LE16(TOTAL_LENGTH), 2, 1, 0, 0x80, 50,
    // Interface association: both interfaces are one video function.
    8, 11, 0, 2, 0x0E, 3, 0, 2,
    // Interface 0, video control: header, a camera terminal, and a USB output fed by it.
    9, 4, 0, 0, 0, 0x0E, 1, 0, 2,
    13, 0x24, 1, LE16(0x0100), LE16(CONTROL_LENGTH), LE32(6000000), 1, streamingInterface,
    18, 0x24, 2, 1, LE16(0x0201), 0, 0, LE16(0), LE16(0), LE16(0), 3, 0, 0, 0,
    9, 0x24, 3, 2, LE16(0x0101), 0, 1, 0,
    // Interface 1, video streaming, with one bulk endpoint.
    9, 4, streamingInterface, 0, 1, 0x0E, 2, 0, 0,
    15, 0x24, 1, 2, LE16(STREAMING_LENGTH), 0x81, 0, 2, 0, 0, 0, 1, 0, 0,
    11, 0x24, 6, mjpgFormat, 1, 1, 1, 0, 0, 0, 0,
    34, 0x24, 7, 1, 0, LE16(640), LE16(480), LE32(18432000), LE32(147456000),
    LE32(mjpgFrameBytesMax), LE32(interval30), 2, LE32(interval30), LE32(interval15),
    COLOUR_MATCHING,
    27, 0x24, 4, yuyvFormat, 1, 'Y', 'U', 'Y', '2', 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b,
    0x71, 16, 1, 0, 0, 0, 0,
    30, 0x24, 5, 1, 0, LE16(yuyvWidth), LE16(yuyvHeight), LE32(36864000), LE32(36864000),
    LE32(yuyvFrameBytes), LE32(interval30), 1, LE32(interval30),
    COLOUR_MATCHING,
    7, 5, 0x81, 2, LE16(packetBytes), 0};

_Static_assert(sizeof configurationDescriptor == TOTAL_LENGTH, "the lengths in it add up");

static int port;
static char serialNumber[] = "RIG0001";

// The socket to the kernel.

static int kernelSocket;

static void detached(void) {
  fprintf(stderr, "uvcsim: detached\n");
  exit(0);
}

static void sendAll(const void *bytes, size_t count) {
  const uint8_t *at = bytes;
  while (count > 0) {
    ssize_t sent = send(kernelSocket, at, count, MSG_NOSIGNAL);
    if (sent <= 0) detached();
    at += sent;
    count -= (size_t)sent;
  }
}

static void receiveAll(void *bytes, size_t count) {
  uint8_t *at = bytes;
  while (count > 0) {
    ssize_t got = read(kernelSocket, at, count);
    if (got <= 0) detached();
    at += got;
    count -= (size_t)got;
  }
}

static uint32_t wordAt(const uint8_t *bytes) {
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void putWord(uint8_t *bytes, uint32_t value) {
  uint32_t swapped = htonl(value);
  memcpy(bytes, &swapped, 4);
}

// USBIP_RET_SUBMIT. `actual` is what was transferred, in either direction.
static void answer(uint32_t sequence, int status, const void *bytes, uint32_t count,
                   uint32_t actual) {
  uint8_t head[48] = {0};
  putWord(head, 3);
  putWord(head + 4, sequence);
  putWord(head + 20, (uint32_t)status);
  putWord(head + 24, actual);
  putWord(head + 32, 0xffffffff);  // No isochronous packets.
  sendAll(head, sizeof head);
  if (count > 0) sendAll(bytes, count);
}

// USBIP_RET_UNLINK. Where the request was answered already, the kernel has read that before this
// and ignores the status.
static void answerUnlink(uint32_t sequence) {
  uint8_t head[48] = {0};
  putWord(head, 4);
  putWord(head + 4, sequence);
  putWord(head + 20, (uint32_t)-ECONNRESET);
  sendAll(head, sizeof head);
}

// What the host waits for on the bulk endpoint, in the order of its asking.

static struct request {
  uint32_t sequence, length;
} requests[requestsMax];
static int requestCount;

static void dropRequest(int index) {
  requestCount -= 1;
  memmove(requests + index, requests + index + 1,
          (size_t)(requestCount - index) * sizeof *requests);
}

// The stream: what was agreed on, and where in which frame it is.

static uint8_t agreed[26] = {1, 0, mjpgFormat, 1, LE32(interval30)};  // UVC 4.3.1.1, version 1.0.
static int isStreaming;

static struct {
  const uint8_t *bytes;  // NULL between frames.
  size_t length, offset;
  uint8_t toggle;  // The frame identifier bit: changes with each frame (UVC 2.4.3.3).
  int count;
  double due;
} frame;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static uint32_t agreedInterval(void) {
  return agreed[4] | agreed[5] << 8 | agreed[6] << 16 | (uint32_t)agreed[7] << 24;
}

// Turns what the host proposes into what this camera can do.
static void settle(void) {
  if (agreed[2] != yuyvFormat) agreed[2] = mjpgFormat;
  int isYuyv = agreed[2] == yuyvFormat;
  uint32_t between = (interval30 + interval15) / 2;
  uint32_t interval = isYuyv || agreedInterval() < between ? interval30 : interval15;
  uint32_t bytes = isYuyv ? yuyvFrameBytes : mjpgFrameBytesMax;
  const uint8_t intervals[] = {LE32(interval)};
  const uint8_t sizes[] = {LE32(bytes), LE32(payloadBytesMax)};
  agreed[3] = 1;
  memcpy(agreed + 4, intervals, sizeof intervals);
  memcpy(agreed + 18, sizes, sizeof sizes);
}

static void startStream(void) {
  isStreaming = 1;
  frame.bytes = NULL;
  frame.due = now();
  fprintf(stderr, "uvcsim: streaming %s\n", agreed[2] == yuyvFormat ? "YUYV" : "MJPG");
}

static void stopStream(void) {
  if (isStreaming) fprintf(stderr, "uvcsim: stopped\n");
  isStreaming = 0;
  frame.bytes = NULL;
}

// Control requests. Each writes its answer and returns its length, or -1 for a stall.

static int stringDescriptor(int index, uint8_t *reply) {
  static const uint8_t languages[] = {4, 3, LE16(0x0409)};
  if (index == 0) {
    memcpy(reply, languages, sizeof languages);
    return sizeof languages;
  }
  const char *text = index == 1 ? "Rig" : index == 2 ? "Rig UVC Camera" : serialNumber;
  int length = 2 + 2 * (int)strlen(text);
  reply[0] = (uint8_t)length;
  reply[1] = 3;
  for (int i = 0; text[i] != 0; i += 1) {
    reply[2 + 2 * i] = (uint8_t)text[i];
    reply[3 + 2 * i] = 0;
  }
  return length;
}

// USB 9.4.
static int standardRequest(int code, int value, uint8_t *reply) {
  switch (code) {
    case 0:  // GET_STATUS
      return 2;
    case 1:  // CLEAR_FEATURE: how uvcvideo stops a stream on a bulk endpoint.
      stopStream();
      return 0;
    case 6: {  // GET_DESCRIPTOR
      int type = value >> 8;
      if (type == 1) {
        memcpy(reply, deviceDescriptor, sizeof deviceDescriptor);
        return sizeof deviceDescriptor;
      }
      if (type == 2) {
        memcpy(reply, configurationDescriptor, sizeof configurationDescriptor);
        return sizeof configurationDescriptor;
      }
      return type == 3 ? stringDescriptor(value & 255, reply) : -1;
    }
    case 8:  // GET_CONFIGURATION
      reply[0] = 1;
      return 1;
    case 10:  // GET_INTERFACE
      return 1;
    case 3: case 5: case 9: case 11:  // SET_FEATURE, _ADDRESS, _CONFIGURATION, _INTERFACE
      return 0;
    default:
      return -1;
  }
}

// UVC 4.3.1: probe (selector 1) and commit (2) on the streaming interface.
static int streamRequest(int code, int selector, const uint8_t *data, int length, uint8_t *reply) {
  if (selector != 1 && selector != 2) return -1;
  switch (code) {
    case 0x01:  // SET_CUR
      memcpy(agreed, data, length < (int)sizeof agreed ? (size_t)length : sizeof agreed);
      settle();
      if (selector == 2) startStream();
      return 0;
    case 0x81: case 0x82: case 0x83: case 0x84: case 0x87:  // GET_CUR, _MIN, _MAX, _RES, _DEF
      settle();
      memcpy(reply, agreed, sizeof agreed);
      return sizeof agreed;
    case 0x85:  // GET_LEN
      reply[0] = sizeof agreed;
      reply[1] = 0;
      return 2;
    case 0x86:  // GET_INFO: can be read and written.
      reply[0] = 3;
      return 1;
    default:
      return -1;
  }
}

static void control(uint32_t sequence, const uint8_t *setup, const uint8_t *data) {
  int type = setup[0], code = setup[1];
  int value = setup[2] | setup[3] << 8, index = setup[4] | setup[5] << 8;
  int length = setup[6] | setup[7] << 8;
  uint8_t reply[512] = {0};
  int count = -1;
  if ((type & 0x60) == 0) {
    count = standardRequest(code, value, reply);
  } else if ((type & 0x60) == 0x20 && (index & 255) == streamingInterface) {
    count = streamRequest(code, value >> 8, data, length, reply);
  }
  if (count < 0) return answer(sequence, -EPIPE, NULL, 0, 0);
  if ((type & 0x80) == 0) return answer(sequence, 0, NULL, 0, (uint32_t)length);
  if (count > length) count = length;
  answer(sequence, 0, reply, (uint32_t)count, (uint32_t)count);
}

// Set by signals. The host may take back what it asked of a hung camera: that is not the camera's
// doing but the host controller's.
static volatile sig_atomic_t isHung;

static void onSignal(int number) { isHung = number == SIGUSR1; }

// One USB/IP message from the kernel.
static void receive(void) {
  uint8_t head[48], data[4096];
  receiveAll(head, sizeof head);
  uint32_t command = wordAt(head), sequence = wordAt(head + 4);
  if (command == 1) {  // USBIP_CMD_SUBMIT
    int isIn = wordAt(head + 12) != 0, endpoint = (int)wordAt(head + 16);
    uint32_t length = wordAt(head + 24);
    if (!isIn && length > sizeof data) {
      fprintf(stderr, "uvcsim: the host sends %u bytes at once\n", length);
      exit(1);
    }
    if (!isIn) receiveAll(data, length);
    if (endpoint == 0 && isHung) return;
    if (endpoint == 0) return control(sequence, head + 40, data);
    if (!isIn || requestCount == requestsMax || length <= packetBytes)
      return answer(sequence, -EPIPE, NULL, 0, 0);
    requests[requestCount++] = (struct request){sequence, length};
  } else if (command == 2) {  // USBIP_CMD_UNLINK
    uint32_t unwanted = wordAt(head + 20);
    for (int i = requestCount - 1; i >= 0; i -= 1) {
      if (requests[i].sequence == unwanted) dropRequest(i);
    }
    answerUnlink(sequence);
  }
}

// Pictures.

static uint8_t yuyv[yuyvFrameBytes];
static int fileCount;
static struct file {
  uint8_t *bytes;
  size_t length;
} *files;

static void paintBars(void) {
  // White, yellow, cyan, green, magenta, red, blue, black at 75 %: Y, Cb, Cr.
  static const uint8_t bars[8][3] = {{180, 128, 128}, {162, 44, 142},  {131, 156, 44},
                                     {112, 72, 58},   {84, 184, 198},  {65, 100, 212},
                                     {35, 212, 114},  {16, 128, 128}};
  for (int i = 0; i < yuyvFrameBytes / 4; i += 1) {
    int x = i * 2 % yuyvWidth;
    const uint8_t *bar = bars[x * 8 / yuyvWidth];
    const uint8_t pair[] = {bar[0], bar[1], bar[0], bar[2]};
    memcpy(yuyv + i * 4, pair, sizeof pair);
  }
}

static void paintStrip(int count) {
  uint8_t luma = (uint8_t)(16 + count * 7 % 220);
  for (int i = yuyvWidth * (yuyvHeight - yuyvStripRows) * 2; i < yuyvFrameBytes; i += 2) {
    yuyv[i] = luma;
    yuyv[i + 1] = 128;
  }
}

static int readFiles(char **paths, int count) {
  fileCount = count;
  files = calloc((size_t)count, sizeof *files);
  for (int i = 0; i < count; i += 1) {
    FILE *file = fopen(paths[i], "rb");
    files[i].bytes = malloc(mjpgFrameBytesMax + 1);
    if (file != NULL) files[i].length = fread(files[i].bytes, 1, mjpgFrameBytesMax + 1, file);
    if (file == NULL || files[i].length == 0 || files[i].length > mjpgFrameBytesMax) {
      fprintf(stderr, "uvcsim: %s cannot be read, is empty or larger than a frame\n", paths[i]);
      return 0;
    }
    fclose(file);
  }
  return 1;
}

static void startFrame(void) {
  double interval = agreedInterval() / 1e7;
  frame.due += interval;
  // A camera does not make up for what was not asked of it in time.
  if (frame.due < now() - interval) frame.due = now();
  frame.toggle ^= 1;
  frame.offset = 0;
  if (agreed[2] == yuyvFormat) {
    paintStrip(frame.count);
    frame.bytes = yuyv;
    frame.length = sizeof yuyv;
  } else {
    frame.bytes = files[frame.count % fileCount].bytes;
    frame.length = files[frame.count % fileCount].length;
  }
  frame.count += 1;
}

// Answers requests with the frame's bytes. Each answer is one payload with a header of its own; it
// is a packet shorter than was asked for, which is what ends a bulk transfer (USB 5.8.3).
static void sendFrame(void) {
  static uint8_t payload[1 << 17];
  while (requestCount > 0 && frame.bytes != NULL) {
    size_t room = requests[0].length - packetBytes;
    if (room > sizeof payload) room = sizeof payload;
    size_t left = frame.length - frame.offset;
    size_t count = left < room - 2 ? left : room - 2;
    memcpy(payload + 2, frame.bytes + frame.offset, count);
    frame.offset += count;
    int isLast = frame.offset == frame.length;
    payload[0] = 2;
    payload[1] = (uint8_t)(0x80 | frame.toggle | (isLast ? 2 : 0));  // End of header, of frame.
    answer(requests[0].sequence, 0, payload, (uint32_t)(count + 2), (uint32_t)(count + 2));
    dropRequest(0);
    if (isLast) frame.bytes = NULL;
  }
}

// Gives the other end of the socket to the virtual host controller.
static int attach(void) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) return 0;
  kernelSocket = pair[0];
  char line[64];
  // Port, socket, device number, and 3 for high speed.
  int length = snprintf(line, sizeof line, "%d %d %d 3", port, pair[1], 0x10002 + port);
  // A port whose camera was pulled a moment ago is busy until the kernel has cleaned up.
  for (double deadline = now() + 20; now() < deadline; usleep(20000)) {
    int file = open("/sys/devices/platform/vhci_hcd.0/attach", O_WRONLY);
    if (file < 0) break;
    int isAttached = write(file, line, (size_t)length) == length;
    int reason = errno;
    close(file);
    errno = reason;
    if (isAttached) close(pair[1]);
    if (isAttached) return 1;
    if (reason != EBUSY) break;
  }
  return 0;
}

int main(int argumentCount, char **arguments) {
  int first = 1;
  if (argumentCount > 2 && strcmp(arguments[1], "--port") == 0) {
    port = atoi(arguments[2]);
    first = 3;
  }
  if (first >= argumentCount || port < 0 || port > 7) {
    fprintf(stderr, "usage: uvcsim [--port 0...7] FILE.jpg...\n");
    return 64;
  }
  serialNumber[6] = (char)('1' + port);
  paintBars();
  if (!readFiles(arguments + first, argumentCount - first)) return 66;
  if (!attach()) {
    perror("uvcsim: cannot attach (is vhci_hcd loaded?)");
    return 69;
  }
  fprintf(stderr, "uvcsim: attached\n");
  // Both restart a call that they interrupt, but for poll().
  signal(SIGUSR1, onSignal);
  signal(SIGUSR2, onSignal);
  for (;;) {
    int wait = -1;
    if (isStreaming && requestCount > 0 && !isHung) {
      wait = frame.bytes != NULL ? 0 : (int)((frame.due - now()) * 1000) + 1;
      if (wait < 0 || frame.due <= now()) wait = 0;
    }
    struct pollfd ready = {kernelSocket, POLLIN, 0};
    if (poll(&ready, 1, wait) < 0) {
      if (errno != EINTR) return 1;
      continue;
    }
    if (ready.revents & POLLIN) {
      receive();
      continue;
    }
    if (ready.revents & (POLLHUP | POLLERR)) detached();
    if (!isStreaming || requestCount == 0 || isHung) continue;
    if (frame.bytes == NULL && now() >= frame.due) startFrame();
    sendFrame();
  }
}
