import Glibc
import StreamIssuing

/// The machine's clock.
struct SystemClock: WallClock {
    var now: UnixTime {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return UnixTime(seconds: Int64(time.tv_sec))
    }
}
