/// The commands of a connection that wait for their replies, which come in the same order (Redis documentation,
/// "Pipelining"): a value.
///
/// Commands that belong together are a group, with one waiter, which receives the last reply or the first refusal.
struct RESPPipeline<Waiter> {
    /// What a reply means.
    enum Event {
        /// Its group waits for more, or the group's waiter has given up.
        case none
        case finished(Waiter, Result<RESPReply, ValueStoreError>)
        /// The connection is unusable: all waiters fail with this error.
        case ended(ValueStoreError)
    }

    private struct Group {
        /// Nil where the waiter has given up.
        var waiter: Waiter?
        var missingReplies: Int
        /// The commands' names; perhaps none.
        let names: [String]
        var refusal: ValueStoreError?
        let lateAt: ContinuousClock.Instant
    }

    private var groups: [Group?] = []
    /// Index of the oldest group; all before it are done.
    private var head = 0
    /// The number of the group at index 0.
    private var firstNumber = 0
    /// Whether the server has answered a command with a reply that does not end the connection.
    private(set) var hasAnswered = false

    /// Groups that wait.
    var count: Int { groups.count - head }

    /// When the oldest group is late; nil where none waits. All groups get the same time, so no other one is late
    /// before it.
    var lateAt: ContinuousClock.Instant? { head < groups.count ? groups[head]?.lateAt : nil }

    func isLate(at now: ContinuousClock.Instant) -> Bool { lateAt.map { $0 <= now } ?? false }

    /// - Parameters:
    ///   - replies: the number of replies to expect: at least 1.
    ///   - names: of the commands, for the reason of a refusal.
    /// - Returns: the group's number, for `abandon`.
    mutating func append(
        _ waiter: Waiter, replies: Int, names: [String] = [], lateAt: ContinuousClock.Instant
    ) -> Int {
        groups.append(Group(waiter: waiter, missingReplies: replies, names: names, lateAt: lateAt))
        return firstNumber + groups.count - 1
    }

    mutating func receive(_ reply: RESPReply) -> Event {
        guard head < groups.count, var group = groups[head] else { return .ended(.unexpectedReply) }
        group.missingReplies -= 1
        if reply.isRefusal {
            let index = group.names.count - 1 - group.missingReplies
            let name = group.names.indices.contains(index) ? group.names[index] : ""
            let refusal = reply.refusal(of: name, isLast: group.missingReplies == 0 && count == 1)
            if let refusal, refusal.endsConnection { return .ended(refusal) }
            group.refusal = group.refusal ?? refusal
        }
        hasAnswered = true
        guard group.missingReplies == 0 else {
            groups[head] = group
            return .none
        }
        groups[head] = nil
        head += 1
        dropFinished()
        guard let waiter = group.waiter else { return .none }
        return .finished(waiter, group.refusal.map { .failure($0) } ?? .success(reply))
    }

    /// The group's waiter no longer needs an answer; its replies are still expected.
    /// - Returns: the waiter; nil where it has had its answer.
    mutating func abandon(_ number: Int) -> Waiter? {
        let index = number - firstNumber
        guard index >= head, index < groups.count else { return nil }
        defer { groups[index]?.waiter = nil }
        return groups[index]?.waiter
    }

    /// - Returns: all waiters, the oldest first.
    mutating func removeAll() -> [Waiter] {
        defer {
            firstNumber += groups.count
            groups = []
            head = 0
        }
        return groups[head...].compactMap { $0?.waiter }
    }

    private mutating func dropFinished() {
        if head == groups.count {
            firstNumber += head
            groups.removeAll(keepingCapacity: head <= 1024)
            head = 0
        } else if head >= 1024, head * 2 >= groups.count {
            firstNumber += head
            groups.removeFirst(head)
            head = 0
        }
    }
}
