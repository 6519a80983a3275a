import Foundation

/// The threads of this process, as the kernel lists them (proc_pid_task(5)).
public enum ThreadNames {
    /// Of the threads that run now. The kernel keeps 15 bytes of a name.
    public static var running: Set<String> { Set(all) }

    /// How many threads of that name run now.
    public static func count(_ name: String) -> Int { all.count { $0 == name } }

    private static var all: [String] {
        let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")) ?? []
        // A thread may end meanwhile.
        return tasks.compactMap { try? String(contentsOfFile: "/proc/self/task/\($0)/comm", encoding: .utf8) }.map {
            String($0.dropLast())
        }
    }
}
