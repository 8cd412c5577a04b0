namespace Sluice.Streams;

/// <summary>Streams that are kept no longer, by name, so that their readers are told what happened. The oldest names go first.</summary>
internal sealed class ForgottenStreams
{
    private const int Most = 10_000;

    private readonly Dictionary<StreamId, string> _owners = [];
    private readonly Queue<StreamId> _inOrder = [];

    public bool Contains(StreamId id, string owner) => _owners.TryGetValue(id, out var former) && former == owner;

    public void Add(StreamId id, string owner)
    {
        if (!_owners.TryAdd(id, owner))
        {
            return;
        }

        _inOrder.Enqueue(id);
        if (_inOrder.Count > Most)
        {
            _owners.Remove(_inOrder.Dequeue());
        }
    }
}
