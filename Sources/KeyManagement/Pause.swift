import Glibc
import Resilience

enum Pause {
    static func wait(_ duration: Duration) {
        _ = poll(nil, 0, duration.roundedUpMilliseconds)
    }
}
