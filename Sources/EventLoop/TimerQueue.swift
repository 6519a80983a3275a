/// Actions by the moment at which each is due: a binary heap. A cancelled one stays in the heap, without its action,
/// until it is due or cancelled ones are the majority.
struct TimerQueue<Action> {
    private struct Entry {
        let due: ContinuousClock.Instant
        let id: UInt64
    }

    private var heap: [Entry] = []
    private var actions: [UInt64: Action] = [:]
    private var lastID: UInt64 = 0

    /// Actions that are not cancelled.
    var count: Int { actions.count }

    /// When the next action is due; nil where there is none.
    var next: ContinuousClock.Instant? {
        mutating get {
            while let first = heap.first {
                if actions[first.id] != nil { return first.due }
                removeFirst()
            }
            return nil
        }
    }

    mutating func add(_ action: Action, due: ContinuousClock.Instant) -> UInt64 {
        lastID += 1
        actions[lastID] = action
        heap.append(Entry(due: due, id: lastID))
        siftUp(heap.count - 1)
        return lastID
    }

    mutating func cancel(_ id: UInt64) {
        guard actions.removeValue(forKey: id) != nil, heap.count > 64, heap.count > 2 * actions.count else { return }
        heap.removeAll { [actions] in actions[$0.id] == nil }
        for index in stride(from: heap.count / 2 - 1, through: 0, by: -1) { siftDown(index) }
    }

    /// The next action that is due; nil where none is. Equal moments come in the order in which they were added.
    mutating func popDue(at now: ContinuousClock.Instant) -> Action? {
        while let first = heap.first, first.due <= now {
            removeFirst()
            if let action = actions.removeValue(forKey: first.id) { return action }
        }
        return nil
    }

    private mutating func removeFirst() {
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        siftDown(0)
    }

    private func isBefore(_ left: Int, _ right: Int) -> Bool {
        heap[left].due < heap[right].due || (heap[left].due == heap[right].due && heap[left].id < heap[right].id)
    }

    private mutating func siftUp(_ start: Int) {
        var child = start
        while child > 0, isBefore(child, (child - 1) / 2) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    private mutating func siftDown(_ start: Int) {
        var parent = start
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && isBefore(child, least) {
                least = child
            }
            guard least != parent else { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
